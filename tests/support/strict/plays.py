"""A play in which the scripted upstream is as strict as the services that it stands for."""

import json
import random
from typing import Any

from tests.support.replies import answers
from tests.support.scripted_catalogue import DIALECTS, OTHER_MESSAGES
from tests.support.scripted_upstream import Exchange, Play
from tests.support.strict.chat_server import SERVERS, ChatServer
from tests.support.strict.messages_server import MessagesServer, Refused

Server = MessagesServer | ChatServer
_USUAL: dict[str, Server] = {
    "/v1/messages": MessagesServer("messages"),
    "/v1/chat/completions": SERVERS[""],
}
# By the upstream's name for the model.
_NAMED: dict[str, Server] = {
    f"{OTHER_MESSAGES}-for-insiders": MessagesServer(OTHER_MESSAGES),
    **{f"{name}-for-insiders": SERVERS[name] for name in DIALECTS},
}


def checks(*turns: dict[str, Any]) -> Play:
    """Answer the requests of a conversation with these turns, again and again, or refuse them; a
    turn is as in the servers' `answer`."""
    draw = random.Random(7)

    async def play(exchange: Exchange) -> None:
        body = exchange.request.body
        server = _NAMED.get(body["model"]) or _USUAL[exchange.request.path]
        try:
            server.check(body)
        except Refused as refusal:
            error = {"type": "invalid_request_error", "message": str(refusal)}
            await answers(json.dumps({"error": error}).encode(), status=400)(exchange)
            return
        turn = turns[_said(body) % len(turns)]
        reply = server.answer(turn, stream=exchange.wants_stream, draw=draw)
        if not exchange.wants_stream:
            await exchange.reply(reply)
            return
        await exchange.begin_events()
        await exchange.chunk(reply)
        await exchange.end_chunks()

    return play


def _said(body: dict[str, Any]) -> int:
    """How many turns of the assistant a conversation has."""
    return sum(message["role"] == "assistant" for message in body["messages"])
