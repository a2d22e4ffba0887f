"""How Sphinx makes the site of these pages: `make docs`. Nothing in it asks for the network."""

project = "Étude"
extensions = ["myst_parser"]
root_doc = "index"
html_theme = "furo"
html_title = "Étude"
html_show_copyright = False
html_copy_source = False
html_theme_options = {"top_of_page_buttons": []}
myst_heading_anchors = 4  # every heading can be linked to as GitHub names it
myst_enable_extensions = ["deflist"]
myst_links_external_new_tab = False
# Links that leave docs/ are to files of the repository; tests/test_docs.py checks them. Everything else is strict.
suppress_warnings = ["misc.highlighting_failure"]
nitpicky = True
