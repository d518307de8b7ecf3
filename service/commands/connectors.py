"""`dolen connectors`: what can be connected."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from connectors import registry


def arguments(parser: ArgumentParser) -> None:
    """Which one."""
    parser.add_argument("name", nargs="?", help="tell the settings of this one")


def run(args: Namespace) -> int:
    """List them all, or tell one in full."""
    if args.name is None:
        for name in registry.names():
            known = registry.provider(name)
            print(f"{name:<12} {', '.join(known.channels):<16} {known.about}")
        return 0
    try:
        known = registry.provider(args.name)
    except registry.UnknownConnector as error:
        raise OSError(str(error)) from error
    print(f"{known.name}: {known.about}")
    for setting in known.settings:
        marks = [word for word, true in (("required", setting.required), ("secret", setting.secret)) if true]
        default = "" if setting.default is None else f" (default {setting.default})"
        print(
            f"  {setting.name:<18} {setting.about}{default}{' [' + ', '.join(marks) + ']' if marks else ''}"
        )
    return 0
