"""How Sphinx builds the guide; `make docs` runs it. The parts that are ours stand in _sphinx/."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_sphinx"))

import api_pages  # noqa: E402
import gallery_pages  # noqa: E402

import minicv  # noqa: E402

project = "minicv"
author = "the authors of minicv"
copyright = author
release = minicv.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "docstrings",
    "name_links",
    "source_pages",
]
exclude_patterns = ["_build", "figures", "gallery"]

# --- pages -----------------------------------------------------------------------------------

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3  # a link may lead to page.md#a-heading, as on a code host
suppress_warnings = ["myst.header"]  # an included part begins where its headings do
highlight_language = "none"  # a block says what it is; formulas in docstrings are no language

# --- docstrings ------------------------------------------------------------------------------

default_role = "py:obj"  # `nms` in a docstring leads to it where it is documented, else is code
autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_display_short_literal_types = True
python_maximum_signature_line_length = 140  # counted with the modules of all types
autodoc_type_aliases = {"Array": "Array", "Pair": "Pair", "Dims": "Dims", "Reduction": "Reduction"}
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # an attribute is described where the class is, not a second time
napoleon_custom_sections = ["Target"]

# --- the gallery -----------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": str(gallery_pages.PREPARED.relative_to(HERE)),
    "gallery_dirs": "auto_examples",
    "filename_pattern": gallery_pages.QUICK,
    "ignore_pattern": r"^$",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("gallery_pages.new_pictures",),
    "reset_modules": (),
    "abort_on_example_error": False,
    "download_all_examples": True,
    "remove_config_comments": True,
    "notebook_images": True,  # within the notebook, which is to work alone
    "first_notebook_cell": gallery_pages.FIRST_CELL,
    "last_notebook_cell": gallery_pages.LAST_CELL,
    "doc_module": (),
    "thumbnail_size": (400, 280),
    "min_reported_time": 10_000,
    "show_signature": False,
    "write_computation_times": False,
    "copyfile_regex": r"",
}

# --- looks -----------------------------------------------------------------------------------

html_theme = "furo"
html_title = "minicv"
html_static_path = ["_static"]
html_css_files = ["guide.css"]
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_copy_source = False
html_show_sourcelink = False
pygments_style = "friendly"
pygments_dark_style = "native"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b6b75",
        "color-brand-content": "#0b6b75",
        "color-brand-visited": "#6b5a75",
        "color-api-name": "#0b6b75",
        "color-api-pre-name": "#66625b",
    },
    "dark_css_variables": {
        "color-brand-primary": "#64c4cc",
        "color-brand-content": "#64c4cc",
        "color-brand-visited": "#b3a3c4",
        "color-api-name": "#64c4cc",
        "color-api-pre-name": "#a5a19a",
    },
}


def setup(app):
    """Make what the pages are made of: figures, stubs of the reference, copies of the examples."""
    subprocess.run([sys.executable, str(HERE / "figures")], check=True)
    api_pages.write(HERE / "api" / "generated")
    gallery_pages.write()
    app.connect("source-read", gallery_pages.without_the_folder)
