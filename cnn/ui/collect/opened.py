"""A class that is open: its images by the page, to be selected, moved, deleted, and seen large."""

from functools import partial
from math import ceil

import streamlit as st
from PIL import Image

from cnn.config import counted
from cnn.data.dataset_editing import OwnDataset
from cnn.data.datasets import DataUnavailable
from cnn.data.image_folders import Listing, OwnImage
from cnn.errors import AtelierError
from cnn.ui import fragments, links, shell, state
from cnn.ui.collect import changing, naming, thumbnails
from cnn.ui.components import album

PAGE = 120  # images
_LARGE = 480  # screen pixels of the longest edge of an image that is seen large


def show(dataset: OwnDataset, listing: Listing, class_name: str) -> None:
    """Draw a class of a dataset."""
    images = _images(listing, class_name)
    names = list(listing.classes)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "All classes",
            icon=":material/arrow_back:",
            type="tertiary",
            key="all_classes",
            on_click=naming.open_dataset,
            args=(dataset.name,),
        )
        links.picker(
            "collect_class",
            "Class",
            names,
            class_name,
            lambda name: naming.open_dataset(dataset.name, name),
            label_visibility="collapsed",
            width=220,
            format_func=lambda name: f"{name}",
        )
        st.button(
            "Add images",
            icon=":material/add_photo_alternate:",
            type="primary",
            key="add_to_class",
            on_click=links.write,
            args=(state.ADDING_TO, class_name),
        )
        what = st.menu_button("Class", ["Rename", "Delete"], icon=":material/more_vert:", type="tertiary", key="more-1")
    if what == "Rename":
        naming.open_dialog("rename class", dataset.name, class_name)
    elif what == "Delete":
        changing.attempt(lambda: dataset.delete_class(class_name))
        naming.open_dataset(dataset.name)
        st.rerun()
    if not images:
        st.info("No images yet. Add some from files, the camera or by drawing.", icon=":material/add_photo_alternate:")
        return
    fragments.fragment(_album)(dataset, names, class_name, images)


def _images(listing: Listing, class_name: str) -> list[OwnImage]:
    """The images of a class, those that cannot be read last."""
    return [*listing.of(class_name), *(image for image in listing.unreadable if image.class_name == class_name)]


def _selected(dataset: OwnDataset, class_name: str) -> set[str]:
    """The names of the selected files of a class; those of another class are forgotten."""
    where = (dataset.name, class_name)
    kept = st.session_state.get(state.SELECTED_OWN)
    if kept is None or kept[0] != where:
        st.session_state[state.SELECTED_OWN] = kept = (where, set())
    return kept[1]


def _album(dataset: OwnDataset, classes: list[str], class_name: str, images: list[OwnImage]) -> None:
    """A page of images and, above it, what can be done with the selected ones."""
    selected = _selected(dataset, class_name)
    selected &= {image.name for image in images}
    tools = st.container(horizontal=True, vertical_alignment="center", gap="small")
    pages, number = ceil(len(images) / PAGE), 1
    if pages > 1:
        number = links.number(state.ALBUM_PAGE, f"Page (of {pages})", 1, pages, width=140)
    here = images[(number - 1) * PAGE : number * PAGE]
    with tools:
        _tools(dataset, classes, class_name, images, here, selected)
    with st.spinner("Making thumbnails…", show_time=False):
        small = thumbnails.of(dataset, here)

    def select(chosen: list[str]) -> None:
        selected.difference_update(image.name for image in here)
        selected.update(chosen)

    def remove(chosen: list[str]) -> None:
        select(chosen)
        _remove(dataset, images, selected)
        st.session_state[state.ALBUM_CHANGED] = True

    def open_(name: str) -> None:
        links.write(state.OWN_IMAGE, name)
        st.session_state[state.ALBUM_CHANGED] = True

    album.show(
        [(image.name, content) for image, content in zip(here, small, strict=True)],
        f"album-{dataset.name}-{class_name}",
        f"{counted(len(here), 'image')} of the class {class_name}.",
        selected,
        select,
        open_,
        remove,
    )
    st.caption(
        "Click to select, with Shift all between, Ctrl+A the whole page. Double-click or Enter shows an image large, "
        "Delete removes what is selected."
    )
    if st.session_state.pop(state.ALBUM_CHANGED, False):
        st.rerun()


def _tools(
    dataset: OwnDataset,
    classes: list[str],
    class_name: str,
    images: list[OwnImage],
    here: list[OwnImage],
    selected: set[str],
) -> None:
    """What can be done with the selected images."""
    st.markdown(f"**{len(selected):,} selected**" if selected else f"**{counted(len(images), 'image')}**")
    if not selected:
        st.button(
            "Select this page" if len(here) < len(images) else "Select all",
            icon=":material/select_all:",
            type="tertiary",
            key="select_page",
            on_click=selected.update,
            args=([image.name for image in here],),
        )
        return
    others = [name for name in classes if name != class_name]
    target = st.menu_button("Move to", others, icon=":material/drive_file_move:", key="move_to", disabled=not others)
    if target is not None:
        chosen = [image for image in images if image.name in selected]
        changing.attempt(lambda: dataset.move(chosen, target))
        selected.clear()
        st.rerun()
    if st.button("Delete", icon=":material/delete:", key="remove_selected"):
        _remove(dataset, images, selected)
        st.rerun()
    if len(selected) == 1 and st.button("Show large", icon=":material/open_in_full:", type="tertiary", key="large"):
        links.write(state.OWN_IMAGE, next(iter(selected)))
        st.rerun()
    st.button("Clear", icon=":material/deselect:", type="tertiary", key="deselect_own", on_click=selected.clear)


def _remove(dataset: OwnDataset, images: list[OwnImage], selected: set[str]) -> None:
    chosen = [image for image in images if image.name in selected]
    changing.attempt(lambda: dataset.remove(chosen))
    selected.clear()


# ---------------------------------------------------------------- one image, large


def show_large(dataset: OwnDataset, listing: Listing, class_name: str) -> None:
    """Draw the dialog with the image that the link names."""
    images = _images(listing, class_name)
    name = st.query_params.get(state.OWN_IMAGE)
    if name is None:
        return
    if name not in {image.name for image in images}:
        links.write(state.OWN_IMAGE, None)
        return
    st.dialog("Image", width="medium", icon=":material/image:", on_dismiss=partial(links.write, state.OWN_IMAGE, None))(
        _image
    )(dataset, images)


def _image(dataset: OwnDataset, images: list[OwnImage]) -> None:
    names = [image.name for image in images]
    name = st.query_params.get(state.OWN_IMAGE)
    if name not in names:
        st.rerun()
    place = names.index(name)
    image = images[place]
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, icon, to, shortcut in (
            ("Previous", "chevron_left", place - 1, "Left"),
            ("Next", "chevron_right", place + 1, "Right"),
        ):
            there = 0 <= to < len(names)
            st.button(
                label,
                icon=f":material/{icon}:",
                shortcut=shortcut,
                disabled=not there,
                key=f"large-{label}",
                on_click=links.write,
                args=(state.OWN_IMAGE, names[to] if there else None),
            )
        st.caption(f"{place + 1:,} of {len(names):,} in {shell.plain(image.class_name)}", width="stretch")
        if st.button("Delete", icon=":material/delete:", type="tertiary", key="delete_large"):
            changing.attempt(lambda: dataset.remove([image]))
            links.write(state.OWN_IMAGE, names[place + 1] if place + 1 < len(names) else None)
            st.rerun()
    try:
        opened = image.opened()
        opened = opened if opened.mode in ("L", "RGB", "RGBA") else opened.convert("RGB")
        st.image(opened, alt=image.name, width=max(1, round(_LARGE * opened.width / max(opened.size))))
        size = _pixels(image)
    except (DataUnavailable, AtelierError) as error:
        st.warning(shell.plain(str(error)), icon=":material/broken_image:")
        size = ""
    st.markdown(f"**{shell.plain(image.name)}**  \n{size}{image.known.size / 1000:,.0f} kB")
    st.caption(shell.plain(str(image.path)))


def _pixels(image: OwnImage) -> str:
    """Width and height of the file, as far as Pillow reads its head."""
    try:
        with Image.open(image.path) as file:
            return f"{file.width:,} × {file.height:,} pixels · "
    except (OSError, ValueError, Image.DecompressionBombError):
        return ""
