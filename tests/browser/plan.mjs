// The plan file in Chromium, in Russian and in English: every tab is there and legible, a person's number
// stays and his colleagues take the difference, a text is shown as wrong.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  api, at, browser, cells, demo, drawn, ERRORS, fileName, idOf, look, openTab, ROOT, tableOf,
  type, until,
} from './desk.mjs';

const PICTURES = join(ROOT, 'out', 'browser');
const PASS_DEADLINE_MS = 60_000;
/** So high that the longest tab is drawn whole. */
const WINDOW = { width: 1260, height: 1960 };
/** The backgrounds of templates/style.toml: taken over by a person, not a number. */
const TAKEN = 'rgb(255, 244, 220)';
const UNREADABLE = 'rgb(254, 226, 226)';
const UNREADABLE_LETTERS = 'rgb(185, 28, 28)';
/** Indicators that every department and person has a row of. */
const INDICATORS = ['revenue', 'deals_won', 'leads_created', 'weight'];

const LANGUAGES = {
  ru: {
    locale: 'ru_RU',
    typed: 'сто тысяч',
    headlines: {
      Цели: /^Цели на \d{4} год$/, План: /^План на \d{4} год$/, Отделы: /^План отделов на \d{4} год$/,
      Сотрудники: /^План сотрудников на \d{4} год$/, Декомпозиция: /^Декомпозиция$/, Сценарий: /^Сценарий$/,
      Расходы: /^Расходы на источники в \d{4} году/, Праздники: /^Праздники и переносы$/,
    },
  },
  en: {
    locale: 'en_US',
    typed: 'a hundred',
    headlines: {
      Targets: /^Targets for \d{4}$/, Plan: /^Plan for \d{4}$/, Departments: /^Departments' plan for \d{4}$/,
      Employees: /^Employees' plan for \d{4}$/, Decomposition: /^Decomposition$/, Scenario: /^Scenario$/,
      Costs: /^Costs of sources in \d{4}/, Holidays: /^Holidays$/,
    },
  },
};

/** What the portal itself answers: a method without arguments, all of its first page. */
async function portal(webhook, method) {
  const answer = await fetch(`${webhook}${method}`, { method: 'POST' });
  const { result, next } = await answer.json();
  assert.equal(next, undefined, `${method} answers on one page`);
  return result;
}

/** The departments below the company and who works in them now, as the portal tells. */
async function staff(webhook) {
  const all = await portal(webhook, 'department.get');
  const departments = all.filter((one) => one.PARENT);
  const ids = new Set(departments.map((one) => Number(one.ID)));
  const users = (await portal(webhook, 'user.get')).filter((one) => one.ACTIVE
    && one.UF_DEPARTMENT.some((id) => ids.has(Number(id))));
  return { departments, users };
}

const keysOf = (table) => new Set(table.values.map((row) => String(row[0])));

for (const [language, words] of Object.entries(LANGUAGES)) {
  describe(language, () => {
    let program;
    let chrome;
    let page;
    const picture = (name) => join(PICTURES, `plan-${language}-${fileName(name)}.png`);

    before(async () => {
      mkdirSync(PICTURES, { recursive: true });
      program = await demo('--locale', words.locale);
      ({ chrome, page } = await browser(WINDOW));
    }, { timeout: 1_900_000 });

    after(async () => {
      await chrome?.close();
      await program?.stop();
    });

    test('every tab is there, named and legible', { timeout: 180_000 }, async () => {
      const { pages, plan_url: url } = program.json;
      const seen = await look(page, `plan ${language}`, url, picture);
      assert.deepEqual(seen.map((tab) => tab.title), Object.keys(words.headlines));
      for (const { title, said } of seen) {
        assert.ok(said.some((text) => words.headlines[title].test(text)), `«${title}» has no headline: ${said.slice(0, 5)}`);
        // Cells out of sight as well.
        const range = encodeURIComponent(`'${title}'`);
        const { values = [] } = await api(pages, `/v4/spreadsheets/${idOf(url)}/values/${range}`);
        const wrong = values.flat().filter((text) => ERRORS.test(text) || /^#+$/.test(text));
        assert.deepEqual(wrong, [], `«${title}» has formula errors`);
      }
      assert.deepEqual(page.faults, []);
    });

    test('every department and every person has rows', async () => {
      const { pages, plan_url: url, webhook_url: webhook } = program.json;
      const { departments, users } = await staff(webhook);
      assert.ok(departments.length > 1 && users.length > 2, 'the company is one with departments');
      const byDepartment = keysOf(await tableOf(pages, idOf(url), 'plan_department'));
      const byPerson = keysOf(await tableOf(pages, idOf(url), 'plan_employee'));
      for (const indicator of INDICATORS) {
        for (const { ID, NAME } of departments) assert.ok(byDepartment.has(`dept:${ID}/${indicator}`), `${NAME}: ${indicator}`);
        for (const { ID, LAST_NAME } of users) assert.ok(byPerson.has(`user:${ID}/${indicator}`), `${LAST_NAME}: ${indicator}`);
      }
    });

    test('a number typed over stays, colleagues take the difference, a text is red', { timeout: 180_000 }, async (t) => {
      const { pages, plan_url: url } = program.json;
      const id = idOf(url);
      const people = () => tableOf(pages, id, 'plan_employee');
      const { range, title, values } = await people();
      const column = values[0].map(String).filter((key) => /^\d{4}-12$/.test(key)).map((key) => values[0].indexOf(key))[0];
      const revenues = values.filter((row) => String(row[0]).endsWith('/revenue'));
      const department = revenues[0][1];
      const team = revenues.filter((row) => row[1] === department).map((row) => row[0]);
      assert.ok(team.length > 2, `${department} has colleagues`);
      const numbers = (table) => Object.fromEntries(table.values
        .filter((row) => team.includes(row[0])).map((row) => [row[0], row[column]]));
      const total = (found) => Math.round(Object.values(found).reduce((sum, one) => sum + one, 0) * 100);
      const former = numbers({ values });
      const [mine, other] = team;
      const addressOf = async (key) => {
        const now = await people();
        return at(now.range, now.values.findIndex((row) => row[0] === key), column);
      };
      const typed = Math.round(former[mine] * 1.25);
      await page.goto(url);
      await drawn(page);
      await openTab(page, title);
      const cell = await addressOf(mine);
      assert.equal(cell, at(range, values.findIndex((row) => row[0] === mine), column));
      await type(page, cell, String(typed));
      const from = Date.now();
      await until('the colleagues take the difference', async () => {
        const now = numbers(await people());
        return (now[other] !== former[other] && total(now) === total(former)) || now;
      }, PASS_DEADLINE_MS);
      t.diagnostic(`${mine}: ${former[mine]} → ${typed}, colleagues after ${Date.now() - from} ms`);
      const now = numbers(await people());
      assert.equal(now[mine], typed, 'the cell keeps what was typed');
      for (const key of team.slice(1)) assert.notEqual(now[key], former[key], `${key} is recalculated`);

      const dress = (a1) => page.locator(`[data-a1="${a1}"]`).evaluate((node) => ({
        fill: node.style.backgroundColor,
        letters: getComputedStyle(node.querySelector('.text') ?? node).color,
      }));
      const filled = (a1, wanted) => until(`${a1} is filled ${wanted}`, async () => {
        const { fill } = await dress(a1);
        return fill === wanted || fill;
      }, PASS_DEADLINE_MS);
      await filled(cell, TAKEN);

      const broken = await addressOf(other);
      assert.notEqual((await dress(broken)).fill, TAKEN, 'a calculated cell looks otherwise');
      await type(page, broken, words.typed);
      await filled(broken, UNREADABLE);
      assert.equal((await dress(broken)).letters, UNREADABLE_LETTERS);
      assert.equal((await dress(cell)).fill, TAKEN, 'the other one stays taken over');
      const shown = (await people()).values.find((row) => row[0] === other)[column];
      assert.equal(shown, words.typed, 'what cannot be read stays as typed');
      await page.mouse.move(2, 2);
      await page.screenshot({ path: picture(`${title} typed`) });
      await openTab(page, Object.keys(words.headlines)[1]);
      await page.screenshot({ path: picture('after typing') });
      const told = (await cells(page)).filter((one) => one.text.includes(words.typed));
      assert.equal(told.length, 1, 'the first tab of numbers names what is wrong');
      assert.deepEqual(page.faults, []);
    });
  });
}
