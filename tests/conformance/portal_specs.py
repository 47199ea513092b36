#!/usr/bin/env python3
"""Holds the simulated portal against Bitrix24's own documents.

    portal_specs.py WEBHOOK_URL SHARED

It starts from the literal answers and the machine-readable specs in SHARED/reference/bitrix24/fixtures,
asks the simulator every method it serves, and compares shapes: keys, JSON types (text, number, flag,
time, list, map), total, next and the time block, bodies and statuses of errors. It knows nothing of the
simulator but its address and its management door. What it cannot compare it names; a served method
that it does not know how to ask is a failure.
"""
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

# Pages whose name is not the method's with dots.
RENAMED = {"crm-stage-history-list": "crm.stagehistory.list", "tasks-task-list-rest-v3": None}

# Served methods that have neither a literal answer nor a spec in the folder, and where they are from.
ELSEWHERE = {
    "catalog.product.list": "the public page api-reference/catalog/product/catalog-product-list.md",
    "crm.item.payment.list": "the public page api-reference/crm/universal/payment/crm-item-payment-list.md",
    "crm.deal.add": "like crm.lead.add",
    "crm.deal.update": "like crm.lead.update",
    "crm.deal.userfield.list": "like crm.lead.userfield.list",
}

# Served methods without a literal answer whose rows another method's literal answers show.
ROWS_OF = {"crm.activity.get": "crm.activity.list"}

# Served methods without a literal answer whose fields a public page lists with their kinds.
DESCRIBED = {
    # The resource of api-reference/catalog/catalog, in the list's own wrapping.
    "catalog.catalog.list": {"total": 0, "result": {"catalogs": [
        {"id": 0, "iblockId": 0, "iblockTypeId": 0, "lid": "", "name": "", "productIblockId": None,
         "skuPropertyId": None, "subscription": "", "vatId": 0, "yandexExport": ""}]}},
}

# Documented keys that the simulator leaves out, and why.
LEFT_OUT = [
    (r"crm\.(lead|deal)\.fields$", r"^(PHONE|EMAIL|WEB|IM|LINK)$", "clients' addresses are never asked for"),
    (r"crm\.(lead|deal)\.fields$", r"^(CONTACT_IDS|LEAD_SUMMARY|LAST_COMMUNICATION_TIME|ADDRESS_LEGAL)$",
     "not stored"),
    (r"crm\.activity\.get$", r"^(COMMUNICATIONS|FILES)$", "the list's alone, and only where it is asked for them"),
    (r"crm\.lead\.get$", r"^(PHONE|IM)$", "clients' addresses are never asked for"),
    (r"crm\.item\.get$", r"^parentId\d+$", "no smart processes"),
    (r"crm\.item\.fields$", r".*", "the sample is a smart process's; ours are a lead's"),
    (r"crm\.type\.list$", r".*", "no smart processes"),
    (r"department\.get$", r"^UF_HEAD$", "only where there is a head"),
    (r".*", r"^(UF_|uf[A-Z]|PARENT_ID_|parentId)", "custom fields differ from portal to portal"),
    (r"events$", r".*", "only the events that can be bound here"),
]

# Keys that the simulator answers and no document in the folder names, and why.
MORE = [
    (r".*", r"^(UF_|uf[A-Z])", "custom fields differ from portal to portal"),
    (r"department\.get$", r"^UF_HEAD$", "named in the method's parameters"),
    (r"tasks\.task\.list$", r"^(parentId|stageId|groupId|createdBy|changedBy|changedDate|closedBy|closedDate"
     r"|dateStart|multitask|notViewed|replicate|creator|realStatus|ufCrmTask)$", "fields of the method's own table"),
    (r"crm\.item\.(list|get|fields)$", r".*", "the universal fields of leads, beyond the sample's choice"),
    (r"crm\.lead\.userfield\.list$", r"^.*$", "settings differ from type to type"),
    (r"crm\.stagehistory\.list$", r"^STATUS_(SEMANTIC_)?ID$", "a lead's words for stage, in the page's text"),
]

ISO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$")

problems, notes = [], []
compared = {"values": 0, "only null here": 0, "errors": 0, "behaviours": 0}


# ---- shapes -------------------------------------------------------------------------------------

def kind(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "empty text" if value == "" else "time" if ISO.match(value) else "text"
    return "list" if isinstance(value, list) else "map"


def shape(value):
    """Kinds seen, shapes of the keys of maps, the merged shape of the elements of lists."""
    mine = {"kinds": {kind(value)}, "keys": {}, "of": None}
    if isinstance(value, dict):
        mine["keys"] = {key: shape(item) for key, item in value.items()}
    elif isinstance(value, list):
        for item in value:
            mine["of"] = merged(mine["of"], shape(item))
        if not value:
            mine["kinds"] = {"empty list"}
    return mine


def merged(a, b):
    if a is None or b is None:
        return a or b
    keys = {k: merged(a["keys"].get(k), b["keys"].get(k)) for k in {**a["keys"], **b["keys"]}}
    return {"kinds": a["kinds"] | b["kinds"], "keys": keys, "of": merged(a["of"], b["of"])}


# What may stand where a document shows this kind. A PHP array is a list or a map by its keys.
FITS = {
    "null": None,
    "flag": {"flag"},
    "number": {"number"},
    "text": {"text", "time", "empty text"},
    "empty text": {"text", "time", "empty text"},
    "time": {"time", "empty text"},
    "list": {"list", "empty list"},
    "empty list": {"list", "empty list", "map"},
    "map": {"map", "empty list"},
}


def listed(table, method, key):
    return any(re.search(m, method) and re.search(k, key) for m, k, _ in table)


def compare(have, want, method, path, known, count=True):
    """Faults of a shape against the documents'. `known` are names that need no mention."""
    faults = []
    kinds = want["kinds"] - {"null"}
    allowed = set().union(*(FITS[k] for k in kinds)) if kinds else None
    for k in have["kinds"] - {"null"}:
        if allowed is not None and k not in allowed:
            faults.append(f"{method}: {path}: {k} where the documents show {' or '.join(sorted(kinds))}")
    if "null" in have["kinds"] and "null" not in want["kinds"] and have["kinds"] == {"null"} and count:
        compared["only null here"] += 1
    elif count:
        compared["values"] += 1
    # Settings of a field follow its type; ours are not the samples'.
    if "map" in have["kinds"] and "map" in want["kinds"] and not path.lower().endswith(".settings"):
        for key, inner in want["keys"].items():
            if key in have["keys"]:
                faults += compare(have["keys"][key], inner, method, f"{path}.{key}", known, count)
            elif not listed(LEFT_OUT, method, key):
                faults.append(f"{method}: {path}.{key} is missing")
        for key in have["keys"]:
            if key not in want["keys"] and key not in known and not listed(MORE, method, key):
                faults.append(f"{method}: {path}.{key} is in no document")
    if have["of"] and want["of"]:
        faults += compare(have["of"], want["of"], method, f"{path}[]", known, count)
    return faults


# ---- the portal ---------------------------------------------------------------------------------

class Portal:
    def __init__(self, webhook):
        self.webhook = webhook.rstrip("/") + "/"
        self.base = re.match(r"https?://[^/]+", webhook).group(0)
        self.token = None

    def send(self, url, body):
        data = json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def call(self, method, params=None, app=False):
        if app:
            return self.send(f"{self.base}/rest/{method}", {**(params or {}), "auth": self.token})
        return self.send(self.webhook + method, params or {})

    def door(self, room, body):
        status, answer = self.send(f"{self.base}/_sim/{room}", body)
        if status != 200:
            raise SystemExit(f"/_sim/{room}: {answer}")
        return answer["result"]

    def sign_in(self):
        with urllib.request.urlopen(f"{self.base}/_sim/oauth") as answer:
            application = json.loads(answer.read())
        query = urllib.parse.urlencode({
            "grant_type": "authorization_code", "client_id": application["client_id"],
            "client_secret": application["client_secret"], "code": self.door("oauth", {"code": 1}),
        })
        with urllib.request.urlopen(f"{application['token_url']}?{query}") as answer:
            tokens = json.loads(answer.read())
        self.token = tokens["access_token"]
        return application, tokens


# ---- how to ask ---------------------------------------------------------------------------------

def questions(portal):
    """Method → list of (parameters, whether an application asks)."""
    first = lambda method, params=None: portal.call(method, params or {})[1]["result"]
    lead = first("crm.lead.list", {"select": ["ID"], "order": {"ID": "ASC"}})[0]["ID"]
    deal = first("crm.deal.list", {"select": ["ID"], "filter": {"STAGE_SEMANTIC_ID": "S"}})[0]["ID"]
    invoice = first("crm.item.list", {"entityTypeId": 31})["items"][0]["id"]
    activity = first("crm.activity.list", {"select": ["ID"], "order": {"ID": "ASC"}})[0]["ID"]
    task = ["ID", "TITLE", "DESCRIPTION", "DEADLINE", "CREATED_DATE", "RESPONSIBLE_ID", "PRIORITY", "MARK",
            "DESCRIPTION_IN_BBCODE", "LENGTH_DEADLINE", "STATUS", "AUDITORS", "ACCOMPLICES", "GROUP",
            "RESPONSIBLE", "ACCOMPLICES_DATA", "AUDITORS_DATA", "TASK_REQUIRE_RESULT", "TASK_HAS_OPEN_RESULT",
            "TASK_HAS_RESULT", "TIME_ELAPSED", "TIMER", "PARSED_DESCRIPTION", "COUNTERS", "TAGS", "SUB_STATUS"]
    offline = {"event": "ONCRMLEADADD", "event_type": "offline"}
    ask = {
        "batch": [({"cmd": {"a": "profile", "b": "crm.lead.list?start=0", "c": "crm.lead.get?id=0"}}, False)],
        "catalog.catalog.list": [({}, False)],
        "catalog.product.list": [({"select": ["id", "iblockId", "purchasingPrice"],
                                   "filter": {"iblockId": 23}}, False)],
        "crm.activity.get": [({"id": activity}, False)],
        "crm.activity.list": [({}, False), ({"select": ["ID", "COMMUNICATIONS", "FILES"]}, False)],
        "crm.category.list": [({"entityTypeId": 2}, False)],
        "crm.deal.get": [({"id": deal}, False)],
        "crm.deal.productrows.get": [({"id": deal}, False)],
        "crm.item.fields": [({"entityTypeId": 1}, False), ({"entityTypeId": 31}, False)],
        "crm.item.get": [({"entityTypeId": 1, "id": lead}, False)],
        "crm.item.list": [({"entityTypeId": 1, "select": [
            "id", "assignedById", "stageId", "opportunity", "sourceId", "title", "name", "lastName",
            "isManualOpportunity"]}, False)],
        "crm.item.payment.list": [({"entityTypeId": 31, "entityId": invoice}, False)],
        "crm.item.productrow.list": [({"filter": {"=ownerType": "D", "=ownerId": deal}}, False)],
        "crm.lead.get": [({"id": lead}, False)],
        "crm.lead.productrows.get": [({"id": lead}, False)],
        "crm.stagehistory.list": [({"entityTypeId": kind}, False) for kind in (2, 31)],
        "crm.status.entity.items": [({"entityId": "DEAL_STAGE"}, False)],
        "crm.status.list": [({"filter": {"ENTITY_ID": "DEAL_STAGE"}}, False)],
        "event.bind": [(offline, True)],
        "event.offline.get": [({}, True)],
        "event.offline.clear": [({"process_id": "x"}, True)],
        "event.offline.error": [({"process_id": "x", "message_id": ["1"]}, True)],
        "event.unbind": [(offline, True)],
        "feature.get": [({"CODE": "rest_offline_extended"}, False)],
        "method.get": [({"name": "crm.lead.list"}, False)],
        "tasks.task.list": [({"select": task}, False)],
        "crm.lead.add": [({"fields": {"TITLE": "Shape"}}, False)],
        "crm.deal.add": [({"fields": {"TITLE": "Shape"}}, False)],
    }
    for method in ("crm.activity.list", "crm.currency.list", "crm.currency.base.get", "crm.deal.fields",
                   "crm.deal.list", "crm.deal.userfield.list", "crm.lead.fields", "crm.lead.list",
                   "crm.lead.userfield.list", "crm.settings.mode.get", "crm.type.list", "department.fields",
                   "department.get", "methods", "profile", "scope", "server.time", "user.admin",
                   "user.current", "user.get", "voximplant.statistic.get"):
        ask.setdefault(method, [({}, False)])
    for method in ("app.info", "event.get", "event.offline.list", "events"):
        ask.setdefault(method, [({}, True)])
    return ask


# Error bodies that are provoked: literal answer or SDK error → method, parameters, application, settings.
def provocations(portal):
    return {
        "app-info.2.error.json": ("app.info", {}, False, {}),
        "crm-activity-list.2.error.json": ("crm.activity.list", {}, False, {"https_required": True}),
        "crm-category-list.2.error.json": ("crm.category.list", {"entityTypeId": 99}, False, {}),
        "crm-deal-delete.2.error.json": ("crm.deal.delete", {"id": 0}, False, {}),
        "crm-deal-list.2.error.json": ("crm.deal.list", {"filter": "x"}, False, {}),
        "crm-deal-productrows-get.2.error.json": ("crm.deal.productrows.get", {}, False, {}),
        "crm-item-fields.2.error.json": ("crm.item.fields", {"entityTypeId": 99}, False, {}),
        "crm-item-list.2.error.json": ("crm.item.list", {"entityTypeId": 1, "filter": {"FIELD": 1}}, False, {}),
        "crm-lead-delete.2.error.json": ("crm.lead.delete", {"id": 0}, False, {}),
        "crm-lead-get.2.error.json": ("crm.lead.get", {"id": 999999999}, False, {}),
        "crm-lead-productrows-get.2.error.json": ("crm.lead.productrows.get", {}, False, {}),
        "crm-lead-update.2.error.json": ("crm.lead.update", {"id": 0}, False, {}),
        "crm-lead-userfield-list.3.error.json": ("crm.lead.userfield.list", {"filter": "x"}, False, {}),
        "crm-stage-history-list.2.error.json": ("crm.stagehistory.list", {"entityTypeId": 33}, False, {}),
        "crm-status-entity-items.2.error.json": ("crm.status.entity.items", {}, False, {}),
        "crm-status-list.2.error.json": ("crm.status.list", {"filter": "x"}, False, {}),
        "event-bind.2.error.json": ("event.bind", {"event": "ONMOONRISE"}, True, {}),
        "event-offline-clear.2.error.json": ("event.offline.clear", {"process_id": "x"}, True, {"admin": False}),
        "event-offline-error.2.error.json": ("event.offline.error", {"process_id": "x"}, True, {"admin": False}),
        "event-offline-get.2.error.json": ("event.offline.get", {}, True, {"admin": False}),
        "event-offline-list.2.error.json": ("event.offline.list", {}, True, {"admin": False}),
        "event-unbind.2.error.json": ("event.unbind", {"event": "ONCRMLEADADD", "event_type": "offline"}, True,
                                      {"admin": False}),
        "feature-get.2.error.json": ("feature.get", {}, False, {}),
        "tasks-task-list.2.error.json": ("tasks.task.list", {"order": {"MOON": "asc"}}, False, {}),
        "insufficient_scope": ("user.get", {}, False, {"scope": ["crm"]}),
        "OPERATION_TIME_LIMIT": ("crm.lead.list", {}, False, {"operating_limit_s": 0, "operating_ms": 10}),
        "expired_token": ("profile", {}, True, {"forward_s": 3601}),
        "invalid_token": ("profile", {"auth": "never-given"}, False, {}),
        "INVALID_CREDENTIALS": ("profile", {}, False, {}),
        "QUERY_LIMIT_EXCEEDED": ("profile", {}, False, {"plan": "standard"}),
    }


# Literal errors that cannot be provoked, and why.
NOT_PROVOKED = {
    "crm-lead-list.2.error.json": "a role without any right to leads; a hidden row of crm.lead.get says the same",
    "crm-lead-add.2.error.json": "a role without any right to leads",
    "crm-deal-get.2.error.json": "the page shows another method's error",
    "crm-currency-list.2.error.json": "a portal without currencies",
    "crm-currency-base-get.2.error.json": "a portal without currencies",
    "crm-item-get.2.error.json": "told by the method in the portal's language",
    "crm-item-productrow-list.2.error.json": "a role without any right to the owner",
    "crm-type-list.2.error.json": "a role without any right to settings",
    "voximplant-statistic-get.2.error.json": "a role without any right to call statistics",
}


def literal(folder, index, name):
    page = next(entry["page"] for entry in index["files"] if entry["file"] == name)
    stem = Path(page).stem
    return RENAMED.get(stem, stem.replace("-", ".")), json.loads((folder / name).read_text())


def load(shared):
    fixtures = Path(shared) / "reference/bitrix24/fixtures"
    folder = fixtures / "official-docs"
    index = json.loads((folder / "INDEX.json").read_text())
    answers, errors = {}, {}
    for entry in index["files"]:
        if not entry["parsed"] or entry["kind"] not in ("response", "error"):
            continue
        method, body = literal(folder, index, entry["file"])
        if method and entry["kind"] == "response":
            answers.setdefault(method, []).append(body)
        elif method:
            errors[entry["file"]] = (method, body, entry["http_status"])
    specs = {}
    for path in sorted((fixtures / "official-specs").glob("*.json")):
        if path.name != "LICENSE":
            spec = json.loads(path.read_text())
            specs[spec["method"]] = spec
    for method, spec in specs.items():
        if "result" in (spec.get("resultExample") or {}):
            answers.setdefault(method, []).append(spec["resultExample"])
    for method, other in ROWS_OF.items():
        answers[method] = [{**body, "result": row} for body in answers[other] for row in body["result"]]
        for body in answers[method]:
            body.pop("total", None), body.pop("next", None)
    for method, body in DESCRIBED.items():
        answers[method] = [{**body, "time": next(iter(answers.values()))[0]["time"]}]
    sdk = json.loads((fixtures / "error_bodies_b24pysdk.json").read_text())["errors"]
    return answers, errors, specs, sdk


# ---- checks -------------------------------------------------------------------------------------

# Other methods whose documented names a method's answer may use.
FAMILY = {
    "crm.lead.list": ["crm.lead.get", "crm.lead.fields"], "crm.lead.get": ["crm.lead.list", "crm.lead.fields"],
    "crm.lead.fields": ["crm.lead.list", "crm.lead.get"], "crm.deal.list": ["crm.deal.get", "crm.deal.fields"],
    "crm.deal.get": ["crm.deal.list", "crm.deal.fields"], "crm.deal.fields": ["crm.deal.list", "crm.deal.get"],
    "user.current": ["user.get"], "crm.deal.productrows.get": ["crm.lead.productrows.get"],
}
TIME_EXTRA = {"operating", "operating_reset_at", "processing"}


def names_of(body):
    result = body.get("result")
    rows = result if isinstance(result, list) else [result]
    return {key for row in rows if isinstance(row, dict) for key in row}


def check_answers(portal, answers, specs, served):
    ask = questions(portal)
    for method in served:
        if method not in ask:
            if method in ("crm.lead.update", "crm.lead.delete", "crm.deal.update", "crm.deal.delete"):
                continue  # asked below, on the rows that were added
            problems.append(f"{method} is served and this script does not know how to ask it")
            continue
        if method not in answers and method not in specs and method not in ELSEWHERE:
            problems.append(f"{method} is served and no document says what it answers")
        have = None
        for params, app in ask[method]:
            status, body = portal.call(method, params, app)
            if status != 200:
                problems.append(f"{method}: {status} {body}")
                continue
            have = merged(have, shape(body))
            if method in ("crm.lead.add", "crm.deal.add"):
                added = body["result"]
                for verb, extra in (("update", {"fields": {"TITLE": "Shape 2"}}), ("delete", {})):
                    other = method.replace("add", verb)
                    status, body = portal.call(other, {"id": added, **extra})
                    check_one(other, shape(body), answers, specs)
        if have:
            check_one(method, have, answers, specs)


def check_one(method, have, answers, specs):
    if method not in answers:
        # Without a literal answer: what the spec says is returned must be there.
        for item in specs.get(method, {}).get("returns", []):
            if item["name"] in ("result", "time") and item["name"] not in have["keys"]:
                problems.append(f"{method}: {item['name']} is missing")
        notes.append(f"{method}: compared with its spec's names only" if method in specs
                     else f"{method}: {ELSEWHERE.get(method, 'nothing to compare with')}")
        return
    known = set(specs.get(method, {}).get("entityFields", []))
    for other in [method, *FAMILY.get(method, [])]:
        for body in answers.get(other, []):
            known |= names_of(body)
    want = None
    for body in answers[method]:
        want = merged(want, shape(body))
    # `next` stands only where there is more; `processing` and `operating` are optional everywhere.
    if "next" not in have["keys"]:
        want["keys"].pop("next", None)
    time = want["keys"].get("time")
    if time:
        for key in TIME_EXTRA - set(have["keys"]["time"]["keys"]):
            time["keys"].pop(key, None)
        if "operating_reset_at" in time["keys"]:
            # One sample of them all shows it as a text.
            time["keys"]["operating_reset_at"]["kinds"] = {"number"}
    if method.startswith("crm.") and method.endswith(".fields"):
        inner = ["fields"] if "fields" in want["keys"]["result"]["keys"] else []
        for shaped in (want, have):
            flatten(shaped, "result", *inner)
        known |= {"items", "settings", "statusType", "listLabel", "formLabel", "filterLabel", "upperName"}
    if method == "batch":
        for part in ("result", "result_error", "result_total", "result_next", "result_time"):
            for shaped in (want, have):
                flatten(shaped, "result", part)
        known |= names_of(answers["crm.lead.list"][0]) | names_of(answers["profile"][0])
        want["keys"]["result"]["keys"]["result"] = have["keys"]["result"]["keys"]["result"]
    known |= TIME_EXTRA | {"next", "total", "time"}
    problems.extend(compare(have, want, method, "answer", known))


def flatten(shaped, *path):
    """Replaces a dictionary of names at the path by the merged shape of its entries."""
    place = shaped
    for key in path:
        place = place["keys"].get(key)
        if place is None:
            return
    one = None
    for entry in place["keys"].values():
        one = merged(one, entry)
    place["keys"] = {"any": one} if one else {}


def check_field_names(portal, answers):
    for method in ("crm.lead.fields", "crm.deal.fields"):
        documented = set().union(*(names_of(body) for body in answers[method]))
        served = set(portal.call(method)[1]["result"])
        for name in sorted(documented - served):
            if not listed(LEFT_OUT, method, name):
                problems.append(f"{method}: field {name} is missing")
            compared["values"] += 1


def check_errors(portal, errors, sdk, served):
    wanted = {name: (method, body, status) for name, (method, body, status) in errors.items() if method in served}
    for entry in sdk:
        wanted.setdefault(entry["error"], (None, entry, str(entry["http_status"])))
    provoked = provocations(portal)
    for name, (method, body, status) in wanted.items():
        if name not in provoked:
            if name.endswith(".json") and name not in NOT_PROVOKED:
                problems.append(f"{name}: this script does not know how to provoke it")
            continue
        asked, params, app, settings = provoked[name]
        if settings:
            portal.door("settings", settings)
        if name == "INVALID_CREDENTIALS":
            got = portal.send(f"{portal.base}/rest/1/wrong/{asked}", {})
        elif name == "invalid_token":
            got = portal.send(f"{portal.base}/rest/{asked}", params)
        elif name == "QUERY_LIMIT_EXCEEDED":
            got = next(g for g in (portal.call(asked) for _ in range(60)) if g[0] != 200)
        elif name == "OPERATION_TIME_LIMIT":
            portal.call(asked, params)
            got = portal.call(asked, params)
        else:
            got = portal.call(asked, params, app)
        portal.door("reset", {})
        portal.door("settings", {"plan": "unlimited"})
        if name == "expired_token":
            portal.sign_in()
        compared["errors"] += 1
        if kind(got[1].get("error")) != kind(body["error"]) or got[1].get("error") != body["error"]:
            problems.append(f"{name}: error {got[1].get('error')!r}, documented {body['error']!r}")
        said, told = got[1].get("error_description", ""), body["error_description"]
        # An entity's own name in the middle of a sentence differs.
        # The SDK knows several sentences for some codes.
        others = {entry["error_description"] for entry in sdk if entry["error"] == name}
        if re.sub(r"^\S+ entity", "entity", said) != re.sub(r"^\S+ entity", "entity", told) and said not in others:
            problems.append(f"{name}: says {said!r}, documented {told!r}")
        if re.fullmatch(r"[45]\d\d", status or "") and int(status) != got[0]:
            problems.append(f"{name}: status {got[0]}, documented {status}")


def check_behaviours(portal, specs, served, shared):
    """What the specs' parameters promise: required ones, select, order, filter, start."""
    def expect(true, sentence):
        compared["behaviours"] += 1
        if not true:
            problems.append(sentence)

    ask = questions(portal)
    for method in served:
        spec = specs.get(method)
        if not spec:
            continue
        page = Path(shared) / "reference/bitrix24/pages" / (Path(spec["source"]["file"]).stem + ".md")
        starred = set(re.findall(r"\*\*(\w+)\*\*\*", page.read_text())) if page.exists() else set()
        for param in spec["params"]:
            # The specs call more required than their pages do; a star on the page decides. A handler is
            # needed only for events that are not offline.
            if param["required"] and param["name"] in starred and (method, param["name"]) not in (("event.bind", "handler"),
                                                                     ("event.unbind", "handler"),
                                                                     ("event.unbind", "event"),
                                                                     ("event.offline.error", "message_id"),
                                                                     ("method.get", "name"),
                                                                     ("crm.lead.update", "fields")):
                app = method in ask and ask[method][0][1]
                given = {k: v for k, v in (ask[method][0][0] if method in ask else {}).items() if k != param["name"]}
                status, body = portal.call(method, given, app)
                expect(status >= 400, f"{method} answers {status} without the required {param['name']}")
    lists = {
        "crm.lead.list": ({}, "ID", None), "crm.deal.list": ({}, "ID", None),
        "crm.item.list": ({"entityTypeId": 1}, "id", "items"),
        "crm.stagehistory.list": ({"entityTypeId": 1}, "ID", "items"),
        "crm.activity.list": ({}, "ID", None), "tasks.task.list": ({}, "id", "tasks"),
        "voximplant.statistic.get": ({}, "ID", None),
    }
    for method, (base, key, wrap) in lists.items():
        upper = key if method == "crm.item.list" else "ID"

        def rows(params):
            status, body = portal.call(method, {**base, **params})
            found = body["result"][wrap] if wrap else body["result"]
            return [int(row[key]) for row in found], body, found

        sort = {"SORT": "ID", "ORDER": "DESC"} if method.startswith("vox") else {"order": {upper: "DESC"}}
        up = {"SORT": "ID", "ORDER": "ASC"} if method.startswith("vox") else {"order": {upper: "ASC"}}
        ascending, whole, _ = rows(up)
        descending, _, _ = rows(sort)
        expect(ascending == sorted(ascending) and descending == sorted(descending)[::-1]
               and descending[0] > ascending[0], f"{method}: order has no effect")
        expect(len(ascending) == 50 and whole["total"] > 50 and whole["next"] == 50, f"{method}: no page of 50")
        second, _, _ = rows({**up, "start": 50})
        expect(second[0] > ascending[-1], f"{method}: the second page repeats the first")
        after, _, _ = rows({**up, "filter": {f">{upper}": ascending[9]}})
        expect(after[0] == ascending[10], f"{method}: filter >{upper} has no effect")
        _, uncounted, _ = rows({**up, "start": -1})
        expect(not uncounted.get("total") and "next" not in uncounted, f"{method}: start=-1 counts")
        if "select" in [param["name"] for param in specs[method]["params"]]:
            _, _, found = rows({"select": [upper]})
            expect(set(found[0]) == {key}, f"{method}: select has no effect: {sorted(found[0])}")
    page = portal.call("crm.lead.list", {"order": {"ID": "ASC"}})[1]
    query = urllib.parse.urlencode({"order[ID]": "ASC"})
    batch = portal.call("batch", {"cmd": {"a": f"crm.lead.list?{query}"}})[1]["result"]
    expect(batch["result"]["a"] == page["result"] and batch["result_total"]["a"] == page["total"]
           and batch["result_next"]["a"] == 50, "batch answers something else than the method alone")


def check_sign_in(application, tokens, shared):
    """The answers of the authorisation server against the pages' literal ones."""
    folder = Path(shared) / "reference/bitrix24/fixtures/official-docs"
    documented = json.loads((folder / "index.1.other.json").read_text())
    if "access_token" not in documented:
        documented = json.loads((folder / "auto-renewal.1.other.json").read_text())
    known = {"expires", "user_id"}
    want = shape(documented)
    for key in known - set(tokens):
        want["keys"].pop(key, None)
    problems.extend(compare(shape(tokens), want, "oauth.token", "answer", known))
    query = urllib.parse.urlencode({
        "grant_type": "refresh_token", "client_id": application["client_id"],
        "client_secret": application["client_secret"], "refresh_token": tokens["refresh_token"],
    })
    with urllib.request.urlopen(f"{application['token_url']}?{query}") as answer:
        renewed = json.loads(answer.read())
    documented = json.loads((folder / "auto-renewal.1.other.json").read_text())
    problems.extend(compare(shape(renewed), shape(documented), "oauth.renew", "answer", set()))


def check_events(portal, answers, specs):
    """One row in the queue, so that the records have a shape."""
    portal.call("event.bind", {"event": "ONCRMLEADADD", "event_type": "offline"}, True)
    portal.door("settings", {"event_data": False})
    portal.call("crm.lead.add", {"fields": {"TITLE": "Event"}})
    for method in ("event.offline.list", "event.offline.get", "event.get"):
        status, body = portal.call(method, {}, True)
        if not body["result"] or body["result"] == {"process_id": None, "events": []}:
            problems.append(f"{method}: the queue is empty after a lead was added")
        check_one(method, shape(body), answers, specs)
    portal.call("event.unbind", {"event": "ONCRMLEADADD", "event_type": "offline"}, True)


def check_the_check(answers):
    """Literal answers that are spoilt in one place must be found out, else this script proves nothing."""
    spoilt = found = 0
    for method, bodies in answers.items():
        for body in bodies:
            want = shape(body)
            rows = body.get("result")
            row = rows[0] if isinstance(rows, list) and rows else rows
            if not isinstance(row, dict) or len(row) < 3:
                continue
            for key in list(row)[:6]:
                if listed(LEFT_OUT, method, key) or row[key] is None:
                    continue
                for change in (lambda r, k: r.pop(k), lambda r, k: r.update({k: [[7]] if k else 0})):
                    other = json.loads(json.dumps(body))
                    target = other["result"][0] if isinstance(rows, list) else other["result"]
                    change(target, key)
                    if isinstance(rows, list):
                        other["result"] = [target]
                    if isinstance(row[key], (list, dict)):
                        continue
                    spoilt += 1
                    found += bool(compare(shape(other), want, method, "answer", set(), count=False))
    if not spoilt or found != spoilt:
        problems.append(f"of {spoilt} spoilt literal answers only {found} are found out")
    return spoilt


def main():
    portal = Portal(sys.argv[1])
    answers, errors, specs, sdk = load(sys.argv[2])
    spoilt = check_the_check(answers)
    portal.door("settings", {"plan": "unlimited"})
    application, tokens = portal.sign_in()
    served = portal.call("methods", {}, True)[1]["result"]
    check_answers(portal, answers, specs, served)
    check_field_names(portal, answers)
    check_events(portal, answers, specs)
    check_behaviours(portal, specs, served, sys.argv[2])
    check_errors(portal, errors, sdk, served)
    check_sign_in(*portal.sign_in(), sys.argv[2])
    for sentence in notes:
        print(f"note: {sentence}")
    unserved = sorted((set(answers) | set(specs)) - set(served))
    print(f"documented, not served: {', '.join(unserved)}")
    print(f"{len(served)} methods served; {len(answers)} documented with answers, {len(specs)} with specs; "
          f"compared: {', '.join(f'{count} {what}' for what, count in compared.items())}; "
          f"{spoilt} spoilt answers found out")
    for problem in problems:
        print(f"PROBLEM {problem}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
