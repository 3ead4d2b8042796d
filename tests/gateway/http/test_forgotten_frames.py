"""What `forget_frames` drops: without it an error keeps the request that it was raised for."""

from collections.abc import Iterator

from gateway.errors import UpstreamFailed, UpstreamTimeout, forget_frames


def chain(error: BaseException) -> Iterator[BaseException]:
    yield error
    for behind in (error.__cause__, error.__context__):
        if behind is not None:
            yield from chain(behind)


def test_an_error_and_those_behind_it_forget_their_frames():
    try:
        try:
            try:
                raise ValueError
            except ValueError:
                raise UpstreamFailed from OSError()
        except UpstreamFailed as failure:
            raise UpstreamTimeout from failure
    except UpstreamTimeout as error:
        timeout = error

    forget_frames(timeout)

    kinds = {type(one) for one in chain(timeout)}
    assert kinds == {UpstreamTimeout, UpstreamFailed, OSError, ValueError}
    assert all(one.__traceback__ is None for one in chain(timeout))


def test_errors_that_are_each_others_cause_forget_their_frames():
    first, second = UpstreamFailed(), UpstreamTimeout()
    try:
        try:
            raise first
        except UpstreamFailed as failure:
            raise second from failure
    except UpstreamTimeout as timeout:
        first.__cause__ = timeout
    assert second.__cause__ is first

    forget_frames(second)

    assert first.__traceback__ is second.__traceback__ is None
