"""A newcomer signs in, runs an integration, opens the refused record and reads why."""

import sqlite3
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from hub.models import Mapping, ReconciliationException, RunState, SyncRun, Trigger
from hub.services import run as runs
from tests.journeys.conftest import MISSPELT, PASSWORD, RATES, REFUSED, sign_in, write_rates
from tests.journeys.watch import Watch, picture, tab_to


def answered(page: Page) -> None:
    """Wait until what was asked for has been done and another page is shown."""
    page.wait_for_url(lambda url: "/do/" not in url)


def work(mapping: Mapping) -> None:
    """What a worker does."""
    runs.drain(lane_id=runs.lane_of(mapping).pk, owner="journey")


class TestNewcomer:
    """From the sign-in page to the reason of a refusal."""

    def test_finds_out_why_a_record_was_refused(
        self, context: BrowserContext, watch: Watch, rates: Mapping, tmp_path: Path
    ) -> None:
        page = context.new_page()
        sign_in(page, "olga")
        picture(page, tmp_path, "home")

        page.get_by_role("link", name="Freight rates to logistics").first.click()
        page.get_by_role("link", name="Run now").click()
        page.get_by_role("button", name="Run now").click()
        answered(page)
        run = SyncRun.objects.get()
        page.goto(f"/admin/hub/syncrun/{run.pk}/change/")
        expect(page.locator("#run-standing")).to_contain_text("Queued")
        work(rates)
        expect(page.locator("#run-standing")).to_contain_text("Partial")
        expect(page.locator(".st-equation")).to_contain_text("adds up")
        picture(page, tmp_path, "run")

        page.get_by_role("link", name=REFUSED).first.click()
        expect(page.locator("h1")).to_have_text(REFUSED)
        expect(page.get_by_text("The destination understood the request and refused it.")).to_be_visible()
        expect(page.locator(".st-quote")).to_contain_text("price_is_positive")
        picture(page, tmp_path, "refused")

    def test_sees_every_record_accounted_for(
        self, context: BrowserContext, watch: Watch, rates: Mapping, tmp_path: Path
    ) -> None:
        run = runs.request(mapping=rates, trigger=Trigger.PERSON)
        work(rates)
        page = context.new_page()
        sign_in(page, "olga")

        page.goto(f"/admin/hub/syncrun/{run.pk}/change/")

        terms = {
            term.locator(".st-term span").inner_text(): int(term.locator("b").inner_text())
            for term in page.locator(".st-equation li:has(b)").all()
        }
        received = terms.pop("received")
        with sqlite3.connect(tmp_path / "logistics.sqlite3") as logistics:
            arrived = logistics.execute("select count(*) from rates").fetchone()[0]
        logistics.close()
        assert received == RATES == sum(terms.values())
        assert (terms["written"], terms["in exception"]) == (arrived, 2) == (RATES - 2, 2)

    def test_reads_which_value_could_not_be_mapped(
        self, context: BrowserContext, watch: Watch, rates: Mapping, tmp_path: Path
    ) -> None:
        runs.request(mapping=rates, trigger=Trigger.PERSON)
        work(rates)
        exception = ReconciliationException.objects.get(source_key=MISSPELT)
        page = context.new_page()
        sign_in(page, "olga")

        page.get_by_role("link", name="Exceptions").first.click()
        page.get_by_role("link", name=MISSPELT).click()

        expect(page).to_have_url(f"/admin/hub/reconciliationexception/{exception.pk}/change/")
        expect(page.locator("main")).to_contain_text("12,5o")
        expect(page.get_by_role("link", name="Try again")).to_be_visible()
        picture(page, tmp_path, "misspelt")

    def test_looks_before_anything_is_written_and_then_sees_before_and_after(
        self, context: BrowserContext, watch: Watch, rates: Mapping, tmp_path: Path
    ) -> None:
        runs.request(mapping=rates, trigger=Trigger.SCHEDULE)
        work(rates)
        write_rates(tmp_path / "rates.csv", raised="R-007")
        preview = runs.request(mapping=rates, trigger=Trigger.PERSON, preview=True)
        work(rates)
        page = context.new_page()
        sign_in(page, "olga")

        page.goto(f"/admin/hub/syncrun/{preview.pk}/change/")
        expect(page.locator("#run-standing")).to_contain_text("nothing is written")
        page.locator(".st-change summary", has_text="R-007").click()
        expect(page.locator(".st-change[open] .st-sides").first).to_contain_text("after, as planned")
        picture(page, tmp_path, "preview")

        real = runs.request(mapping=rates, trigger=Trigger.PERSON)
        work(rates)
        page.goto(f"/admin/hub/syncrun/{real.pk}/change/")
        page.locator(".st-change summary", has_text="R-007").click()
        row = page.locator(".st-change[open] .st-differs", has_text="price")
        expect(row.locator("td").nth(0)).to_have_text("17.50")
        expect(row.locator("td").nth(1)).to_have_text("99.90")
        page.locator(".st-change[open] .st-attempt summary").first.click()
        expect(page.locator(".st-change[open] .st-exchange").first).to_be_visible()
        picture(page, tmp_path, "sides")


class TestLiveProgress:
    """The page of a run that is going on."""

    def test_moves_by_itself_and_ends_by_itself(
        self, context: BrowserContext, watch: Watch, rates: Mapping, tmp_path: Path
    ) -> None:
        run = runs.request(mapping=rates, trigger=Trigger.PERSON)
        page = context.new_page()
        sign_in(page, "olga")
        page.goto(f"/admin/hub/syncrun/{run.pk}/change/")
        seen: list[str] = []

        def look(present: SyncRun) -> None:
            if present.state == RunState.RUNNING and not seen:
                expect(page.locator("#run-progress")).to_contain_text(f"{present.received} received")
                expect(page.locator("#run-announce")).to_have_text("The run is running.")
                seen.append(page.locator("#run-balance").inner_text())
                picture(page, tmp_path, "running")

        runs.execute_here(run=run, on_page=look)

        expect(page.locator("#run-standing")).to_contain_text("Partial")
        expect(page.locator("#run-progress")).to_have_count(0)
        expect(page.locator("#changes .st-change").first).to_be_visible()
        assert "adds up" in seen[0]


class TestKeyboard:
    """The same way with nothing but a keyboard."""

    def test_is_enough_to_run_and_to_read_why(
        self, context: BrowserContext, watch: Watch, rates: Mapping, tmp_path: Path
    ) -> None:
        page = context.new_page()
        page.goto("/")
        tab_to(page, "#id_login")
        page.keyboard.type("olga")
        tab_to(page, "#id_password")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page).to_have_url("/admin/")

        tab_to(page, "main a:has-text('Freight rates to logistics')")
        page.keyboard.press("Enter")
        tab_to(page, "main a:has-text('Run now')")
        page.keyboard.press("Enter")
        tab_to(page, "main button[type=submit]")
        page.keyboard.press("Enter")
        answered(page)
        work(rates)
        run = SyncRun.objects.get()
        page.goto(f"/admin/hub/syncrun/{run.pk}/change/")

        tab_to(page, ".st-change > summary")
        page.keyboard.press("Enter")
        expect(page.locator(".st-change[open]")).to_have_count(1)
        page.goto(f"/admin/hub/syncrun/{run.pk}/change/")
        tab_to(page, f".st-lines a:has-text('{REFUSED}')")
        page.keyboard.press("Enter")
        expect(page.locator(".st-quote")).to_contain_text("price_is_positive")
        tab_to(page, "main a:has-text('Try again')")
        page.keyboard.press("Enter")
        tab_to(page, "main button[type=submit]")
        page.keyboard.press("Enter")
        expect(page.locator("#run-standing")).to_contain_text("Queued")

    def test_skips_straight_to_the_content(self, context: BrowserContext, watch: Watch, rates: Mapping) -> None:
        page = context.new_page()
        sign_in(page, "olga")
        page.goto("/admin/hub/syncrun/")

        page.keyboard.press("Tab")

        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
