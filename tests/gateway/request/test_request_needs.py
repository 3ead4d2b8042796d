"""The capabilities that a request needs of a model, and its images and documents."""

from typing import Any

import pytest

from tests.support.request_bodies import CALL, IMAGE, RESULT, TOOL, assistant, parsed, user

PDF = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}
SCHEMA = {"type": "json_schema", "schema": {"type": "object"}}
NEEDS = [
    (
        {"messages": [assistant(CALL), user(RESULT | {"content": [IMAGE, IMAGE]})]},
        {"images", "tools"},
    ),
    ({"messages": [user({"type": "document", "source": PDF})]}, {"documents"}),
    ({"messages": [user({"type": "document", "source": {"type": "text", "data": "x"}})]}, set()),
    (
        {
            "messages": [
                user({"type": "document", "source": {"type": "content", "content": [IMAGE]}})
            ]
        },
        {"images"},
    ),
    ({"tools": [TOOL]}, {"tools"}),
    ({"tools": []}, set()),
    ({"messages": [assistant(CALL), user(RESULT)]}, {"tools"}),
    ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, {"thinking"}),
    ({"thinking": {"type": "adaptive"}}, set()),
    ({"thinking": {"type": "disabled"}}, set()),
    ({"thinking": {"type": "between_tools"}}, set()),
    ({"output_config": {"format": SCHEMA}}, {"structured_output"}),
    ({"output_format": SCHEMA}, {"structured_output"}),
    ({"output_config": {"effort": "high"}}, set()),
]


@pytest.mark.parametrize(("fields", "needs"), NEEDS)
def test_what_a_request_needs_is_known(fields: dict[str, Any], needs: set[str]):
    assert parsed(**fields).needs == needs


def test_images_and_documents_are_counted_wherever_they_stand():
    document = {"type": "document", "source": PDF}
    messages = [
        user(IMAGE, document),
        assistant(CALL),
        user(RESULT | {"content": [IMAGE, document]}),
    ]
    request = parsed(messages=messages)
    assert (request.image_count, request.document_count) == (2, 2)
