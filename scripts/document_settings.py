"""Write what is made from the settings: the JSON schema of config.yaml, and the table in config/README.md.

After a change of the settings: python scripts/document_settings.py
"""

from pathlib import Path

import yaml

from pipeline.files.atomic import write_text
from pipeline.jobs.arguments import Parser, run
from spurious.documentation import HEAD, rows, schema
from spurious.errors import SpuriousError

ROOT = Path(__file__).resolve().parents[1]
SCHEMA, README = ROOT / "workflow/schemas/config.schema.yaml", ROOT / "config/README.md"
NOTE = "# Made from the settings by scripts/document_settings.py: change them there, not here.\n"
MARK = "<!-- the table is made from the settings by scripts/document_settings.py -->\n"


def main(argv: list[str] | None = None) -> None:
    """Write both files, or with --check say which one is stale."""
    parser = Parser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is stale")
    arguments = parser.parse_args(argv)
    for path, text in {SCHEMA: schema_text(), README: readme_text()}.items():
        if not arguments.check:
            write_text(path, text)
        elif path.read_text(encoding="utf-8") != text:
            raise SpuriousError(f"{path.relative_to(ROOT)}: is stale; run python scripts/document_settings.py")


def schema_text() -> str:
    """The schema as YAML."""
    return NOTE + yaml.safe_dump(schema(), sort_keys=False, width=120, default_flow_style=None, allow_unicode=True)


def readme_text() -> str:
    """config/README.md with the table of now below the mark."""
    cells = [HEAD, ("---",) * len(HEAD), *rows()]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]
    before = README.read_text(encoding="utf-8").partition(MARK)[0]
    return f"{before}{MARK}\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    run(main)
