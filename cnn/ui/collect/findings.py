"""What there is to say about a dataset before it is trained on, each sentence with what to do about it."""

from collections.abc import Sequence

import streamlit as st

from cnn.data.dataset_editing import OwnDataset
from cnn.data.image_folders import Listing, OwnImage
from cnn.data.own_findings import Finding
from cnn.ui import links, shell, state
from cnn.ui.collect import changing, next_steps, thumbnails

_ICONS = {
    "duplicates": "content_copy",
    "near duplicates": "content_copy",
    "empty": "folder_off",
    "few": "exposure_plus_1",
    "unequal": "balance",
    "unreadable": "broken_image",
    "passed over": "info",
}
_SIDE_BY_SIDE = 6  # images of a group that are shown


def show(dataset: OwnDataset, listing: Listing) -> None:
    """Draw what was found."""
    st.subheader("Worth a look", anchor=False)
    found = next_steps.examined(dataset, listing).findings
    if not found:
        st.caption(":material/check: No duplicates, no unreadable files, and enough images of each class.")
    for finding in found:
        with st.container(border=True, gap="xsmall"):
            st.markdown(f":material/{_ICONS[finding.kind]}: {shell.plain(finding.text)}")
            _action(dataset, listing, finding)


def _action(dataset: OwnDataset, listing: Listing, finding: Finding) -> None:
    counts = listing.counts()
    if finding.kind in ("empty", "few", "unequal"):
        some = [name for name in counts if (counts[name] > 0) == (finding.kind != "empty")]
        least = min(some, key=lambda name: counts[name])
        st.button(
            f"Add images to {shell.plain(least)}",
            icon=":material/add_photo_alternate:",
            type="tertiary",
            key=f"add-{finding.kind}",
            on_click=links.write,
            args=(state.ADDING_TO, least),
        )
    elif finding.kind == "unreadable":
        st.button(
            "Remove these files",
            icon=":material/delete:",
            type="tertiary",
            key="remove_unreadable",
            on_click=changing.attempt,
            args=(lambda: dataset.remove(listing.unreadable),),
        )
    elif finding.groups:
        with st.expander("Side by side"):
            _groups(dataset, finding)


def _groups(dataset: OwnDataset, finding: Finding) -> None:
    """The groups of images that are the same, one at a time."""
    groups, number = finding.groups, 1
    key = finding.kind.replace(" ", "-")
    if len(groups) > 1:
        number = int(st.number_input(f"Group (of {len(groups):,})", 1, len(groups), key=f"group-{key}", width=140))
    group = groups[number - 1]
    shown = group[:_SIDE_BY_SIDE]
    with st.container(horizontal=True, gap="small"):
        for place, (image, content) in enumerate(zip(shown, thumbnails.of(dataset, shown), strict=True)):
            with st.container(width=120, gap="xsmall"):
                if content:
                    st.image(content, width=96, alt=f"{image.name} of the class {image.class_name}.")
                st.caption(f"{shell.plain(image.class_name)}  \n{shell.plain(image.name)}")
                st.button(
                    "Keep this one",
                    key=f"keep-{key}-{place}",
                    on_click=_keep,
                    args=(dataset, [group], [image]),
                    help="The others of the group are removed. You can undo it.",
                )
    if len(group) > len(shown):
        st.caption(f"and {len(group) - len(shown):,} more")
    same = [group for group in groups if len({image.class_name for image in group}) == 1]
    if len(same) > 1:
        st.button(
            f"Keep one of each group ({len(same):,})",
            key=f"keep-all-{key}",
            type="tertiary",
            icon=":material/cleaning_services:",
            on_click=_keep,
            args=(dataset, same, [max(group, key=lambda image: image.known.size) for group in same]),
            help="The largest file stays. Groups across classes are left for you to decide.",
        )


def _keep(dataset: OwnDataset, groups: Sequence[Sequence[OwnImage]], kept: Sequence[OwnImage]) -> None:
    """Remove all images of these groups but those to be kept; for callbacks."""
    stay = {image.path for image in kept}
    gone = [image for group in groups for image in group if image.path not in stay]
    changing.attempt(lambda: dataset.remove(gone))
