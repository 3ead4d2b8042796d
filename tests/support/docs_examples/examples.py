"""The documentation's samples, found by scanning, and one run of all of them."""

import re
import shutil
import threading
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from django.db import connection

from docs_site.examples.samples import BASE_URL
from docs_site.examples.samples import FOLDER as SAMPLES
from docs_site.library.contents import FOLDER as PAGES
from embedded.subprocesses import PROJECT
from tests.support import customers
from tests.support.customers import Customer
from tests.support.docs_examples import languages, plays, product
from tests.support.docs_examples.languages import LANGUAGES, Language, Runner
from tests.support.docs_examples.product import Product
from tests.support.replies import silence, streams
from tests.support.tcp_proxy import Cable

JOB = "retries"

_CREDITS = 1_000_000
_USE = re.compile(r"\{\{ *sample +([\w/.-]+) *\}\}")


class Example(NamedTuple):
    """A sample in one language."""

    name: str
    language: str

    def __str__(self) -> str:
        return f"{self.name}-{self.language}"

    @property
    def places(self) -> list[str]:
        """The pages and lines that show it, or its folder if no page does."""
        found = [
            f"docs_site/pages/{page.name}:{number}"
            for page in sorted(PAGES.glob("*.md"))
            for number, line in enumerate(page.read_text().splitlines(), start=1)
            if (use := _USE.search(line)) and use[1] == self.name
        ]
        return found or [f"docs_site/samples/{self.name}"]

    def fault(self, reason: str) -> str:
        """Return the sentence for a failure, which begins with the places."""
        return f"{', '.join(self.places)}: sample {self.name} ({self.language}): {reason}"


@dataclass(frozen=True)
class Result:
    """What one example did: output, exit status, the models that it called and their price."""

    example: Example
    status: int
    stdout: str
    stderr: str
    models: tuple[str, ...]
    credits: int
    is_scripted: bool
    uses_sdk: bool


def all_examples() -> list[Example]:
    """Return every sample in every language it has a file for."""
    return [
        Example(folder.name, language.name)
        for folder in sorted(SAMPLES.iterdir())
        for language in LANGUAGES
        if (folder / language.file).is_file()
    ]


def run_all(wanted: Collection[Example], *, folder: Path) -> dict[Example, Result]:
    """Run the examples: the languages side by side, the examples of a language in one process."""
    exclusive = threading.Lock()
    with product.running(folder) as running:
        runs = [
            _LanguageRun(language, running, folder / language.name, exclusive)
            for language in LANGUAGES
        ]
        with ThreadPoolExecutor(len(runs)) as pool:
            found = pool.map(lambda run: run.run([e for e in wanted if run.runs(e)]), runs)
            try:
                return {result.example: result for results in found for result in results}
            except BaseException:  # Ctrl-C, for example: the pool waits for its threads
                for run in runs:
                    run.stop()
                raise


class _LanguageRun:
    """The examples of one language, with a workspace of its own."""

    def __init__(
        self, language: Language, running: Product, folder: Path, exclusive: threading.Lock
    ) -> None:
        self._language = language
        self._product = running
        self._folder = folder
        self._exclusive = exclusive
        self._is_stopped = False
        self._runner: Runner | None = None

    def runs(self, example: Example) -> bool:
        """Whether the example is of this language."""
        return example.language == self._language.name

    def run(self, wanted: list[Example]) -> list[Result]:
        """Run them in order."""
        self._folder.mkdir()
        (self._folder / "node_modules").symlink_to(PROJECT / "node_modules")
        try:
            customer = customers.sign_up(url=self._product.scripted_url, credits=_CREDITS)
            with languages.running(
                self._language, token=customer.token, folder=self._folder
            ) as self._runner:
                customer.ask(
                    plays.FIRST_PROMPT, model="caicaini/auto"
                )  # so that usage is not empty
                return [
                    self._run_one(example, customer, self._runner)
                    for example in wanted
                    if not self._is_stopped
                ]
        finally:
            connection.close()  # this thread's own

    def stop(self) -> None:
        """End the run, from another thread: no example follows the one that runs."""
        self._is_stopped = True
        if self._runner is not None:
            self._runner.process.kill()

    def _run_one(self, example: Example, customer: Customer, runner: Runner) -> Result:
        is_scripted = plays.is_scripted(self._source(example))
        calls, charges = len(customer.records()), len(customer.charges())
        with self._gateway_for(example, customer, is_scripted=is_scripted) as url:
            folder = self._copy(example, url)
            status = runner.run(folder)
        customer.wait_until_settled()
        return Result(
            example,
            status,
            _normalised((folder / "stdout.txt").read_text(), url=url, token=customer.token),
            _normalised((folder / "stderr.txt").read_text(), url=url, token=customer.token),
            tuple(record.resolved_model for record in customer.records()[calls:]),
            sum(customer.charges()[charges:]),
            is_scripted,
            self._language.sdk_name in self._source(example),
        )

    def _source(self, example: Example) -> str:
        """Return the sample's code and, for samples that read it, the request beside it."""
        folder = SAMPLES / example.name
        source = (folder / self._language.file).read_text()
        if "@request.json" in source:
            source += (folder / "request.json").read_text()
        return source

    def _copy(self, example: Example, url: str) -> Path:
        folder = self._folder / example.name
        shutil.copytree(SAMPLES / example.name, folder)
        file = folder / self._language.file
        file.write_text(file.read_text().replace(BASE_URL, url))
        return folder

    @contextmanager
    def _gateway_for(
        self, example: Example, customer: Customer, *, is_scripted: bool
    ) -> Iterator[str]:
        """Yield the address of the gateway that the example runs against."""
        if example.name == JOB:
            with self._exclusive, _busy_key(self._product, customer) as url:
                yield url
        else:
            yield self._product.scripted_url if is_scripted else self._product.embedded_url


@contextmanager
def _busy_key(running: Product, customer: Customer) -> Iterator[str]:
    """Yield an address of the scripted gateway where a job meets a 429 and a 529, each for real.

    Other calls use up what the key may run at once, and end when the job has received its 429. Then
    the model is overloaded.
    """
    answered: set[bytes] = set()
    plays.script_job(running.upstream)
    hanging = running.upstream.script(streams(silence))
    calls = [
        customer.begin(hanging.prompt, model="scripted/able") for _ in range(product.CALLS_PER_KEY)
    ]
    hanging.wait_for_request(product.CALLS_PER_KEY)

    def note(data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 "):
            answered.add(data[9:12])
            if data[9:12] == b"429":
                while calls:
                    calls.pop().hang_up()

    with Cable(running.scripted_url, on_answer=note).laid() as cable:
        yield cable.url
    while calls:
        calls.pop().hang_up()
    assert {b"429", b"529", b"200"} <= answered, f"the job only met {answered}"


def _normalised(text: str, *, url: str, token: str) -> str:
    return text.replace(url, BASE_URL).replace(token, "cai_api_...")
