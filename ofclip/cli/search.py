"""`ofclip search`: the products whose pictures are nearest to a text."""

from __future__ import annotations

from pathlib import Path

import click

from ofclip.cli.options import data_option, folder, json_option, skip_option
from ofclip.text.templates import TEST


@click.command()
@click.argument("query")
@click.option("--source", required=True, metavar="NAME", help='Such as "kagl", "atelier/street" or folder:PATH.')
@click.option("--weights", required=True, help="File or folder of weights, or a name; see `ofclip models`.")
@click.option("--split", help="Search one split alone. Default: all of them.")
@click.option("--top", "k", default=10, show_default=True, metavar="K", help="How many products to show.")
@click.option("--template", default=TEST, show_default=True, help="What the query is put into; {} for nothing.")
@click.option("--html", "sheet", type=folder, metavar="FILE", help="Also write the pictures found as an HTML page.")
@json_option
@skip_option
@data_option
def search(
    query: str,
    source: str,
    weights: str,
    split: str | None,
    k: int,
    template: str,
    sheet: Path | None,
    as_json: bool,
    skip_bad: bool,
    data: Path | None,
) -> None:
    """Search the pictures of a data set for QUERY, such as "red floral dress", the nearest first."""
    from ofclip.cli import list_skipped
    from ofclip.sources import load_catalog
    from ofclip.tasks.contact_sheet import check_path, save_contact_sheet
    from ofclip.tasks.search import check_request

    check_request(query, k, template)
    if sheet is not None:
        check_path(sheet)
    catalog = load_catalog(source, split, data, skip_bad=skip_bad)
    list_skipped([catalog])

    from ofclip.models import load_model
    from ofclip.tasks.search import search as find

    hits = find(load_model(weights), catalog, query, k, template, skip_bad)
    places = [hits.catalog.images.name(i) for i in range(len(hits))]
    table = hits.table.assign(picture=places)
    table.insert(0, "rank", range(1, len(table) + 1))
    if as_json:
        import json

        asked = {"query": query, "source": source, "split": split, "weights": weights, "template": template}
        click.echo(json.dumps({**asked, "hits": table.to_dict("records")}, ensure_ascii=False, indent=1))
    else:
        from ofclip.records import layout

        click.echo(layout(table.drop(columns="picture")))
    if sheet is not None:
        click.echo(f"pictures: {save_contact_sheet(hits, sheet)}", err=as_json)
