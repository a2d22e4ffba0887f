"""How Sphinx makes the site of these pages: `make docs`. Nothing in it asks for the network."""

project = "Étude"
extensions = ["myst_parser"]
root_doc = "index"
html_theme = "furo"
html_title = "Étude"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_copyright = False
html_copy_source = False
html_theme_options = {"top_of_page_buttons": []}
myst_heading_anchors = 4  # every heading can be linked to as GitHub names it
myst_enable_extensions = ["deflist"]
myst_links_external_new_tab = False
nitpicky = True
