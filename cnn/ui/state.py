"""The names of what the pages keep in the session of a visitor: every key that code reads or writes, by page.

A key that only one widget uses stands with the widget. Keys of the lessons are those of their links, too, and what a
key is called is what the browser tests look for: a name here may change, its value may not.
"""

from typing import NamedTuple

# --- the frame of every page ------------------------------------------------------------------------------------

ROUTED = "routed"  # whether this server has been reached through app.py
VISITED = "visited"  # whether this visit has drawn a page before this one, or this one before
RUN = "run"  # id of the current run, as the link has it
LISTED = "listed"  # all runs, as the sidebar of this page has just read them
UNKNOWN_RUN = "unknown_run"  # page, run shown instead, and what was wrong with the link
DELETED = "deleted"  # the runs and the sweep that were deleted last, and which run was current
DELETING = "deleting"  # what the open dialog is about to delete, and on which page it is
WORK = "work"  # what goes on in slices, see `background_work`
IMAGE_FORMAT = "image_format"  # of saved charts, PNG or SVG
FORMAT_CHOSEN = "format_chosen"  # it was just chosen: every chart of the page follows


def drawn(chart: str) -> str:
    """What a chart that follows a training shows, see `live_chart`."""
    return f"{chart}-drawn"


def picker(name: str, renewals: int) -> str:
    """Widget: a list of `links.picker`, after the page has changed so many times what it shows."""
    return f"{name}-{renewals}"


def renewals(picker_name: str) -> str:
    """How many times that was."""
    return f"{picker_name}-renewals"


# --- Start ------------------------------------------------------------------------------------------------------

GUESSES = "guesses"  # the visitor's guess for each garment, by its number

# --- Train ------------------------------------------------------------------------------------------------------

START = "start"  # widget: the button that starts a training
DRAFT = "draft"  # the settings of a new run, see `cnn.ui.draft`
DRAFT_LINKS = "draft_links"  # what links said of the draft in this visit, the present one last
LINK_PROBLEM = "link_problem"  # why the settings in a link were not taken, and the draft that stands instead
DRAFT_HISTORY = "draft_history"  # all states of the draft, and which one it is in
DRAFT_NEWS = "draft_news"  # what a change of the draft's images also changed, to be said once
SHOWN_LAYERS = "shown_layers"  # whether the list shows transferred layers one by one
LAYER_COUNT = "layer_count"  # how many layers the draft has had: the number of the next one
OPEN_LAYERS = "open_layers"  # the numbers of the layers whose settings are shown
ADD_LAYER = "add_layer"  # widget: the kind of layer to add
PRESET_NAME = "preset_name"  # widget: what to save the settings as
SAVE_POPOVER = "save_popover"  # widget: whether it is open
SAVE_PROBLEM = "save_problem"  # why a preset was not saved
FILES_POPOVER = "files_popover"  # widget: whether it is open
IMPORTS = "imports"  # how many configurations were imported
IMPORT_PROBLEM = "import_problem"  # why a configuration was not imported
RATE_SEARCH = "rate_search"  # folder of the visitor's last search for a learning rate
MARKS = "marks"  # what was done by hand when the curves were drawn last
LAPSE_RUN = "lapse_run"  # id of the run whose time lapse is shown
LAPSE_PLAYING = "lapse_playing"  # whether it plays
LAPSE_AT = "lapse_at"  # its epoch; None follows the newest
LAPSE_EPOCH = "lapse_epoch"  # widget: the slider of the epochs


def more(run_id: str) -> str:
    """Widget: whether the menu with what else can be done with a run is open."""
    return f"more-{run_id}"


def layer_below(uid: int) -> str:
    """Widget: the kind of layer to put below the layer of this number."""
    return f"below-{uid}"


def imported(number: int) -> str:
    """Widget: the configuration to import; a new number empties it."""
    return f"import-{number}"


# --- Runs -------------------------------------------------------------------------------------------------------

SELECTED_RUNS = "selected_runs"  # ids of the runs that are ticked, also of those that are filtered away
SELECTION_CHANGED = "selection_changed"  # something was just ticked: the whole page follows
SELECTION_LINKS = "selection_links"  # what the link has said of the selection, the newest last
OPENED_RUN = "opened_run"  # id of the run whose name was just clicked
RUNS_SEARCH = "runs-search"  # widget: what the list is searched for
RUNS_HIDDEN = "runs-hidden"  # widget: whether hidden runs are listed
RUNS_NAMES = "runs-open"  # widget: the column of names, which opens a run
RUNS_MENU = "more_selected"  # widget: a button that stands on this page only
RUN_DIALOG = "run_dialog"  # the dialog that is open
ERASING = "erasing"  # what the open dialog is about to delete from the bin
RUNS_VIEW = "runs-view"  # widget: the table, the comparison of the ticked runs, or the bin
COMPARED_SPLIT = "runs-split"  # widget: whether on test or validation images
COMPARED_FIRST, COMPARED_SECOND = "runs-first", "runs-second"  # widgets: the pair among more than two ticked runs
COMPARED_BOX = "runs-box"  # which images of the pair are shown, see `cnn.ui.runs.predictions`, as the link has it
COMPARED_IMAGE = "runs-image"  # index of the image that is opened, as the link has it
COMPARED_PAGE = "runs-images"  # widget: the page of the images


def runs_filter(label: str) -> str:
    """Widget: the states, tags, datasets or sweeps that the list is narrowed to."""
    return f"runs-{label.lower()}"


# --- Sweeps -----------------------------------------------------------------------------------------------------

SWEEP = "sweep"  # id of the sweep that is shown, as the link has it; "new" for the form
SWEEP_VIEW = "sweep_view"  # widget: one sweep or a new one
OPENED_SWEEP = "opened_sweep"  # a sweep was just started or brought back: the page begins with it
SWEEP_BASE = "sweep_base"  # widget: what to start from, "preset:fast", "run:20261122-101530-fast" or "train:"

# --- Architecture -----------------------------------------------------------------------------------------------


class DiagramKeys(NamedTuple):
    """Widgets of one network on the Architecture page; the first two are parameters of its link, too.

    Attributes:
        layer: the layer that is open.
        unfolded: the layers that are drawn as their Keras layers, see `cnn.ui.model.diagram`.
        diagram: the diagram itself.
    """

    layer: str
    unfolded: str
    diagram: str


MODEL = DiagramKeys("model-layer", "model-unfolded", "model-diagram")
MODEL_OTHER = DiagramKeys("model-other-layer", "model-other-unfolded", "model-other-diagram")
MODEL_COMPARE = "model-compare"  # id of the run that the network is compared with, as the link has it
MODEL_ARITHMETIC = "model-arithmetic"  # widget: whether the table writes its numbers out
MODEL_TABLE = "model-table"  # widget: the table, whose cells open a layer


def maps_wanted(diagram: str) -> str:
    """That the browser has just asked for what the layers of this diagram make of an image."""
    return f"{diagram}-wanted"


# --- Evaluate ---------------------------------------------------------------------------------------------------

EVALUATE_VIEW = "evaluate-view"  # widget: overview, images, classes, calibration, robustness, dataset or report
EVALUATE_SPLIT = "evaluate-split"  # widget: test or validation images
EVALUATE_TRUE, EVALUATE_PREDICTED = "true", "predicted"  # widgets: the classes whose images are shown, or any
EVALUATE_IMAGE = "evaluate-image"  # index of the image that is opened, as the link has it
SELECTED_IMAGES = "selected_images"  # set[int] by run and split: the images that are ticked to be taken along
EVALUATE_CLASS = "evaluate-class"  # widget: the class that is told from all others
CLASSES_TABLE = "classes-table"  # widget: precision and recall of each class
EVALUATED = "evaluated"  # evaluations that a visit has begun by itself
CONFUSION = "confusion"  # widget: the confusion matrix
OPENED_FLIP = "opened_flip"  # index of the test image that is shown with and without a corruption
OPENED_SUSPECT = "opened_suspect"  # a list, and the place of its opened image among all images


# --- Explore ----------------------------------------------------------------------------------------------------

EXPLORE_VIEW = "view"  # widget: feature maps, filters, explain, edit or embedding
PINNED_IMAGE = "pinned_image"  # the image that others are compared with
OPERATIONS = "operations"  # what was done to the network of a run, by its id
MAP_LAYER = "explore-layer"  # widget: the layer whose maps are shown
MAP = "explore-map"  # widget: its map or unit, from 1; 0: a new one is to be chosen
MAP_ROW, MAP_COLUMN = "explore-row", "explore-column"  # widgets: the pixel of the map, from 1; 0: to be chosen
WRITTEN_OUT = "explore-sum"  # widget: whether the value of the pixel is written out
INPUT_CHANNEL = "explore-input"  # widget: the input channel whose window is written out, from 1; 0: to be chosen
FILTER = "explore-filter"  # widget: the filter of the convolution, from 1
FILTER_TABLE = "filter_table"  # widget: the table of filters
CHECKED_MAPS = "checked"  # which attribution maps are checked
EDIT_PLACE = "edit_place"  # row and column of the weight to change
FILTER_IMPORTANCE = "filter_importance"  # widget: the chart of what ablating each filter costs
EMBEDDING_MAP = "embedding_map"  # widget: the map of the test images
EMBEDDING_PICKED = "embedding_picked"  # the images on the map, and which of them was clicked
EMBEDDING_GATHERED = "embedding_gathered"  # the images on the map, and those inside the lasso
EMBEDDING_LEFT = "embedding_left"  # an image was opened: the whole page follows


def edited_filters(run_id: str, layer: str) -> str:
    """Widget: the filters to edit, from 1."""
    return f"edited-{run_id}-{layer}"


def edited_channel(layer: str, filter_: int) -> str:
    """Widget: the input channel whose weight is changed, from 1."""
    return f"edit-in-{layer}-{filter_}"


# --- Collect ----------------------------------------------------------------------------------------------------

DATASET = "dataset"  # name of the dataset that is open, as the link has it
OWN_CLASS = "collect-class"  # name of the class that is open, as the link has it
ADDING_TO = "collect-add"  # name of the class that the open dialog adds images to, as the link has it
OWN_IMAGE = "collect-image"  # name of the file of the image that is open, as the link has it
CLASSES_FOUND = "collect-find"  # widget: what the classes are searched for
CLASSES_PAGE = "collect-classes"  # widget: the page of the classes
ALBUM_PAGE = "collect-page"  # widget: the page of a class's images
NEW_CLASS = "collect-new-class"  # widget: the name of the class to add
COLLECT_DIALOG = "collect_dialog"  # which dialog is open, for which dataset and class, and on which page
COLLECT_PROBLEM = "collect_problem"  # why the last change was not made
SELECTED_OWN = "selected_own"  # the names of the selected images, by dataset and class
ALBUM_CHANGED = "album_changed"  # an image was opened or removed: the whole page follows
UPLOADS = "collect_uploads"  # how many times files were uploaded: the number of the next uploader
IMPORT_MENU = "collect-import"  # widget: whether the menu Import and export of a dataset is open
ADD_WAY = "collect-way"  # widget: from where images are added
ADD_LAST = "add_last"  # the dataset and class that images were added to last from another page
ADD_OUTCOME = "add_outcome"  # what became of these


def add_popover(place: str) -> str:
    """Widget: whether the form that adds images to a dataset is open."""
    return f"add-popover-{place}"


def album_heard(album: str) -> str:
    """How many selections of an album were heard of."""
    return f"{album}-heard"


def uploader(number: int) -> str:
    """Widget: files to add; a new number empties it."""
    return f"collect-files-{number}"


# --- images on Explore, Predict and Learn -----------------------------------------------------------------------


class ImageKeys(NamedTuple):
    """Widgets of one page by which an image is chosen, which are parameters of its link, too.

    Attributes:
        way: sample, mistake, drawing, upload or camera.
        label: the class of a sample.
        number: of a sample in its class, from 1.
        mistakes: the true label of a mistake, or any.
        mistake: its number among these, from 1.
        split: of a sample: test, validation or train.
    """

    way: str
    label: str
    number: str
    mistakes: str
    mistake: str
    split: str


EXPLORE_IMAGE = ImageKeys(
    "explore-from", "explore-class", "explore-number", "explore-mistakes", "explore-mistake", "explore-split"
)
PREDICT_IMAGE = ImageKeys(
    "predict-from", "predict-class", "predict-number", "predict-mistakes", "predict-mistake", "predict-split"
)
LEARN_IMAGE = ImageKeys("learn-from", "sample_class", "sample_number", "learn-mistakes", "learn-mistake", "learn-split")
KEPT_FILES = "kept_files"  # the files that were given last, by the way in which they came
LIVE = "predict-live"  # widget: whether the camera is answered live
LIVE_CAMERA = "live_camera"  # widget: that camera
KEPT_DRAWING = "kept_drawing"  # the drawing, see `drawing_board`
PREPROCESSING = "predict-preprocessing"  # widget: whether the ways to preprocess the image are shown
CHANGES = "changes"  # id of a picture, and what was changed in reading it
BATCH = "batch"  # the table of many files
BATCH_RUN = "batch_run"  # id of the run that the table is by
BATCH_STEERED = "batch_steered"  # something was clicked in one part of the page: the others follow
OPENED_FILE = "opened_file"  # id of the file whose row was chosen


def camera_frame(camera: str) -> str:
    """The frame that has just come from a camera, with its number."""
    return f"{camera}-frame"


def camera_answer(camera: str) -> str:
    """What was said of its last frame."""
    return f"{camera}-answer"


# --- Learn ------------------------------------------------------------------------------------------------------

LESSON_TOPIC = "lesson_topic"  # the lesson that is open
LESSON_MENU = "lesson_menu"  # widget: the numbers of the lessons
LESSON_CONTENTS = "lesson_contents"  # widget: the menu of their titles
LESSON_DONE = "lesson_done"  # lessons whose question was answered rightly
LESSON_HIDDEN = "lesson_hidden"  # keys of the controls that a teacher's link hides
LESSON_OFFERED = "lesson_offered"  # the controls that were drawn so far
WHY_ROW, WHY_COLUMN = "why_row", "why_column"  # the middle of the window
FILTER_KERNEL = "filter_kernel"  # widget: the kernel by its name
FILTER_WEIGHTS = "filter_weights"  # widget: the kernel that was typed
RELU_MAP, RELU_ROW, RELU_COLUMN = "relu_map", "relu_row", "relu_column"  # widgets
POOLING_KIND = "pooling_kind"  # widget: max, average, depthwise or global average
POOLING_GROUP = "pooling_group"  # widget: maps in a group
POOLING_MAP, POOLING_ROW, POOLING_COLUMN = "pooling_map", "pooling_row", "pooling_column"  # widgets
CLASSES_MAP = "classes_map"  # widget: the map that is followed
CLASSES_DRAW = "classes_draw"  # widget: the number of a draw of dropout
LEARNING_STEP = "learning_step"  # widget: steps done
LEARNING_UNTIL = "learning_until"  # the step at which the player halts; None while it does not play
LEARNING_WEIGHT = "learning_weight"  # widget: the weight to write out
FIELD_LAYERS = "field_layers"  # widget: a stack of layers as text
FIELD_LAYER = "field_layer"  # widget: after which of them
FIELD_PLACE = "field_place"  # row and column of the pixel
TRANSFER_EXAMPLES = "transfer_examples"  # widget: of each digit


def first_number(number: str) -> str:
    """What a number of a lesson is of, and what it is until somebody chooses another, see `maps.number`."""
    return f"{number}_first"


def question_seed(lesson: str) -> str:
    """The seed of a lesson's question."""
    return f"question-{lesson}"


def answer(lesson: str, seed: int) -> str:
    """Widget: the answer to a question."""
    return f"answer-{lesson}-{seed}"


def checked_answer(lesson: str, seed: int) -> str:
    """The answer that was checked."""
    return f"checked-{answer(lesson, seed)}"
