// The public Drive v3 and Sheets v4 REST API of this origin, spoken as a named person.

const PERSON_KEY = 'simulator.person';

/** Who the page acts as: `?as=` wins, then the last choice. */
export function person() {
  const asked = new URLSearchParams(location.search).get('as');
  if (asked) return asked;
  try {
    return localStorage.getItem(PERSON_KEY) || 'owner@example.com';
  } catch {
    return 'owner@example.com';
  }
}

/** Remembers who the page acts as. */
export function becomePerson(email) {
  try {
    localStorage.setItem(PERSON_KEY, email);
  } catch {
    // A browser without storage asks again next time.
  }
}

/** An error answer: HTTP status, Google's status word and sentence. */
export class ApiError extends Error {
  constructor(status, word, message) {
    super(message);
    this.status = status;
    this.word = word;
  }
}

/** Waits before asking again when a quota of the minute is used up, milliseconds. */
const QUOTA_WAITS = [4_000, 8_000, 16_000, 32_000];

/** One request; a refused quota is waited for, since a refused request did nothing. */
async function call(method, path, body) {
  for (const wait of QUOTA_WAITS) {
    try {
      return await once(method, path, body);
    } catch (error) {
      if (error.status !== 429) throw error;
      dispatchEvent(new CustomEvent('quota'));
      await new Promise((done) => { setTimeout(done, wait); });
    }
  }
  return once(method, path, body);
}

async function once(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: {
        Authorization: `Bearer person:${person()}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
      cache: 'no-store',
    });
  } catch (cause) {
    throw new ApiError(0, 'NO_ANSWER', String(cause?.message ?? cause));
  }
  const text = await answer.text();
  let read = null;
  try {
    read = text ? JSON.parse(text) : {};
  } catch {
    // An HTML page instead of JSON: the status says enough.
  }
  if (!answer.ok || read === null) {
    const error = read?.error;
    const word = error?.status ?? error?.errors?.[0]?.reason ?? '';
    throw new ApiError(answer.status, word, error?.message ?? `HTTP ${answer.status}`);
  }
  return read;
}

function query(pairs) {
  const out = new URLSearchParams();
  for (const [key, value] of pairs) out.append(key, value);
  return out.toString();
}

const sheets = (id) => `/v4/spreadsheets/${encodeURIComponent(id)}`;

const META = 'spreadsheetId,properties,namedRanges,'
  + 'sheets(properties,merges,charts,protectedRanges,basicFilter,conditionalFormats(ranges),'
  + 'bandedRanges(bandedRangeId),tables(tableId))';
const CELL = 'userEnteredValue,effectiveValue,formattedValue,userEnteredFormat,hyperlink,note,'
  + 'textFormatRuns,dataValidation';
const cellsMask = (facets) => 'sheets(properties(sheetId),data(startRow,startColumn,rowMetadata,'
  + `columnMetadata,rowData(values(${facets}))))`;
const SIZES = 'sheets(properties(sheetId),data(startRow,startColumn,rowMetadata,columnMetadata))';

const OBJECTS = 'namedRanges,sheets(properties,merges,conditionalFormats,protectedRanges,charts,'
  + 'basicFilter,bandedRanges,filterViews)';

/** All files the person can see, newest first. */
export async function listFiles() {
  const files = [];
  let pageToken = '';
  do {
    const pairs = [
      ['q', 'trashed = false'], ['pageSize', '200'], ['supportsAllDrives', 'true'],
      ['includeItemsFromAllDrives', 'true'], ['orderBy', 'modifiedTime desc'],
      ['fields', 'nextPageToken,files(id,name,mimeType,modifiedTime,parents,owners,driveId,'
        + 'webViewLink,lastModifyingUser)'],
    ];
    if (pageToken) pairs.push(['pageToken', pageToken]);
    const page = await call('GET', `/drive/v3/files?${query(pairs)}`);
    files.push(...(page.files ?? []));
    pageToken = page.nextPageToken ?? '';
  } while (pageToken && files.length < 5000);
  return files;
}

/** A file's version and time: cheap, counted by Drive, not by Sheets. */
export const fileVersion = (id) =>
  call('GET', `/drive/v3/files/${encodeURIComponent(id)}?${query([
    ['fields', 'name,version,modifiedTime,lastModifyingUser,capabilities(canEdit)'], ['supportsAllDrives', 'true'],
  ])}`);

/** A spreadsheet without its cells. */
export const getMeta = (id) => call('GET', `${sheets(id)}?${query([['fields', META]])}`);

/**
 * Cells of ranges, formats included. The format in force is four fifths of an answer: `painted` says
 * whether anything but the cells' own formats may show, so that it is asked for only then.
 */
export const getCells = (id, ranges, painted = true) =>
  call('GET', `${sheets(id)}?${query([
    ...ranges.map((range) => ['ranges', range]), ['includeGridData', 'true'],
    ['fields', cellsMask(painted ? `${CELL},effectiveFormat` : CELL)],
  ])}`);

/** Widths and heights of whole tabs. */
export const getSizes = (id, ranges) =>
  call('GET', `${sheets(id)}?${query([
    ...ranges.map((range) => ['ranges', range]), ['includeGridData', 'true'], ['fields', SIZES],
  ])}`);

/** What people put into the cells of a range, by the fields of a cell. */
export const getFacets = (id, range, facets) =>
  call('GET', `${sheets(id)}?${query([
    ['ranges', range], ['includeGridData', 'true'],
    ['fields', `sheets(data(rowData(values(${facets}))))`],
  ])}`);

/** Everything of a file that is no cell: names, merges, rules, protections, charts, filters. */
export const getObjects = (id) =>
  call('GET', `${sheets(id)}?${query([['fields', OBJECTS]])}`);

/** What was entered into whole tabs, formulas as such; one list of rows a range. */
export async function getFormulas(id, ranges) {
  const answer = await call('GET', `${sheets(id)}/values:batchGet?${query([
    ...ranges.map((range) => ['ranges', range]), ['valueRenderOption', 'FORMULA'],
  ])}`);
  return (answer.valueRanges ?? []).map((one) => one.values ?? []);
}

/** Values of a range as numbers and texts, not as they are shown. */
export const getRaw = (id, range) =>
  call('GET', `${sheets(id)}/values/${encodeURIComponent(range)}?valueRenderOption=UNFORMATTED_VALUE`);

/** Shown values of one range or named range. */
export const getValues = (id, range) =>
  call('GET', `${sheets(id)}/values/${encodeURIComponent(range)}`);

/** Writes as a person types. */
export const typeValues = (id, range, values) =>
  call('PUT', `${sheets(id)}/values/${encodeURIComponent(range)}?valueInputOption=USER_ENTERED`, {
    range, majorDimension: 'ROWS', values,
  });

/** Clears values, keeps formats. */
export const clearValues = (id, range) =>
  call('POST', `${sheets(id)}/values/${encodeURIComponent(range)}:clear`, {});

/** One atomic change of structure. */
export const change = (id, requests) =>
  call('POST', `${sheets(id)}:batchUpdate`, { requests });

const file = (id) => `/drive/v3/files/${encodeURIComponent(id)}`;

/** A new, empty spreadsheet; answers it with its id. */
export const createBook = (title, locale) =>
  call('POST', '/v4/spreadsheets', { properties: { title, locale } });

/** Who changed a file and when, oldest first. */
export async function listRevisions(id) {
  const answer = await call('GET', `${file(id)}/revisions?${query([
    ['pageSize', '1000'], ['fields', 'revisions(id,modifiedTime,lastModifyingUser)'],
  ])}`);
  return answer.revisions ?? [];
}

/** Who has access to a file. */
export async function listPermissions(id) {
  const answer = await call('GET', `${file(id)}/permissions?${query([
    ['fields', 'permissions(id,type,role,emailAddress)'], ['supportsAllDrives', 'true'],
  ])}`);
  return answer.permissions ?? [];
}

/** Gives a person access, without a mail. */
export const shareWith = (id, emailAddress, role) =>
  call('POST', `${file(id)}/permissions?sendNotificationEmail=false&supportsAllDrives=true`, {
    type: 'user', role, emailAddress,
  });

/** Takes access away. */
export const withdraw = (id, permission) =>
  call('DELETE', `${file(id)}/permissions/${encodeURIComponent(permission)}?supportsAllDrives=true`);
