"""YAML that cannot run code, hide a key that is given twice, or grow beyond what stands in it."""

from typing import Any

import yaml

MOST = 100_000
"""Values that a text may hold once its aliases are written out: far more than any configuration has."""

MERGE = "tag:yaml.org,2002:merge"


def parse_yaml(text: str) -> object:
    """Read one document of plain texts, numbers, lists and mappings.

    Raises
    ------
    yaml.YAMLError
        It is none, has tags of other kinds, gives a key twice, or its aliases make more than `MOST` values of it.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {})
        content: object = loader.construct_document(node)
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deeply") from error
    else:
        return content
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice, where plain YAML keeps the last silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: list[object] = []
        for key_node, _ in node.value:
            if key_node.tag == MERGE:
                continue
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.append(key)
        return super().construct_mapping(node, deep=deep)


def _count(node: yaml.Node, counts: dict[int, int | None]) -> int:
    """Count the values that a node stands for; an alias is the very node that it names, which is counted once."""
    number = id(node)
    if number in counts:
        known = counts[number]
        if known is None:
            raise yaml.constructor.ConstructorError(None, None, "it holds itself by an alias", node.start_mark)
        return known
    counts[number] = None
    parts: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        parts = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        parts = node.value
    total = 1
    for part in parts:
        total += _count(part, counts)
        if total > MOST:
            problem = f"it stands for more than {MOST:,} values; write out what its aliases name"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    counts[number] = total
    return total
