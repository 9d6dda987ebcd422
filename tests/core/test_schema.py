"""The schema is documented and the documentation is the schema."""

from pathlib import Path

from soc_tui.core.schema import EVENT_COLUMNS, EVENTS, NORMALISED, schema_table

CONTRACT = [
    "event_id",
    "time",
    "class_uid",
    "source_id",
    "source_offset",
    "source_length",
    "host",
    "user_name",
    "src_ip",
    "src_port",
    "dst_ip",
    "dst_port",
    "protocol",
    "status",
    "severity",
    "message",
    "http_method",
    "url_host",
    "url_path",
    "url_query",
    "http_status",
    "user_agent",
    "query_name",
    "file_path",
    "extra",
]


def test_the_contract_columns_are_there() -> None:
    assert set(CONTRACT) <= set(EVENTS.names)
    assert len(set(EVENTS.names)) == len(EVENT_COLUMNS)


def test_a_normaliser_leaves_numbering_to_the_store() -> None:
    assert set(EVENTS.names) - set(NORMALISED.names) == {"event_id", "source_id", "template_id"}


def test_the_document_is_current() -> None:
    text = (Path(__file__).parents[2] / "docs" / "schema.md").read_text(encoding="utf-8")
    assert schema_table() in text
