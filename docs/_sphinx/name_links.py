"""A name in the text, such as ``minicv.functional.conv2d``, leads to its place in the reference."""

from __future__ import annotations

from docutils import nodes


def link_names(app, doctree, docname) -> None:
    """Wrap each literal that is a documented name of minicv in a reference."""
    documented = app.env.get_domain("py").objects
    for literal in list(doctree.findall(nodes.literal)):
        name = literal.astext().removesuffix("()")
        if not name.startswith("minicv.") or isinstance(literal.parent, nodes.reference):
            continue
        for dotted in (name, name.replace("minicv.", "minicv.autograd.", 1)):  # minicv.Tensor
            entry = documented.get(dotted)
            if entry is not None and not _in_its_own_place(literal, entry.node_id):
                uri = app.builder.get_relative_uri(docname, entry.docname)
                reference = nodes.reference("", "", internal=True)
                reference["refuri"] = f"{uri}#{entry.node_id}"
                literal.replace_self(reference)
                reference += literal
                break


def _in_its_own_place(node: nodes.Node, place: str) -> bool:
    """Whether the node stands in the very description that it would lead to, or in a heading."""
    while node is not None:
        if isinstance(node, nodes.title) or place in getattr(node, "attributes", {}).get("ids", ()):
            return True
        node = node.parent
    return False


def setup(app):
    app.connect("doctree-resolved", link_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
