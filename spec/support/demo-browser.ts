// The demo as a person sees it: in a real browser.
import { expect } from "chai";
import { chromium, type Browser, type Page } from "playwright-core";
import type { DemoSite } from "./demo-site.js";
import { describeWith, hasProgram } from "./servers.js";

const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Describes what a browser shows of the demo that a spec has opened. */
export function describeInBrowser(opened: () => DemoSite): void {
  describeWith("Chromium", hasProgram("chromium"), "in a browser", () => suite(opened));
}

function suite(opened: () => DemoSite): void {
  let site: DemoSite;
  let browser: Browser;
  let page: Page;

  before(async function start() {
    this.timeout(60_000);
    site = opened();
    browser = await chromium
      .launch({ executablePath: "chromium", args: QUIET })
      .catch(() => chromium.launch({ executablePath: "/usr/bin/chromium", args: QUIET }));
    page = await browser.newPage();
  });

  after(async () => {
    await browser?.close();
  });

  it("leads from the list to a package, whose README is shown", async () => {
    await site.cache.clear();
    await page.goto(`http://${site.host}/`);
    await page.getByRole("link", { name: "@scope/gamma" }).first().click();
    expect(await page.textContent("h1")).to.include("gamma");
    expect(await page.innerHTML("main")).to.include("<strong>gamma</strong>");
  });

  it("shows what changed on disk only when the package is forgotten", async () => {
    await page.goto(`http://${site.host}/package/@scope/gamma`);
    await site.write("@scope/gamma/README.md", "I am **another** gamma");
    await page.reload();
    expect(await page.innerHTML("main")).to.include("<strong>gamma</strong>");
    await page.getByRole("button", { name: "Forget @scope/gamma" }).click();
    await page.waitForLoadState();
    expect(await page.innerHTML("main")).to.include("<strong>another</strong>");
  });

  it("runs nothing of what a hostile package brings along", async () => {
    const dialogs: string[] = [];
    page.on("dialog", (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await page.goto(`http://${site.host}/package/hostile`);
    expect(await page.locator("main script, main iframe, main form input").count()).to.equal(0);
    expect(dialogs).to.deep.equal([]);
  });
}
