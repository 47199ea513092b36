// The keys that the grid obeys: one table for doing and for telling.

/** Keys that the hands treat themselves, for the list of keys only. */
export const MOVES = [
  { keys: ['↑ ↓ ← →', 'Tab', 'Enter'], label: 'keyMove' },
  { keys: ['Ctrl+↑ ↓ ← →'], label: 'keyEdge' },
  { keys: ['Shift+↑ ↓ ← →'], label: 'keyExtend' },
  { keys: ['Home', 'End'], label: 'keyRowEnds' },
  { keys: ['Ctrl+Home', 'Ctrl+End'], label: 'keyGridEnds' },
  { keys: ['PageUp', 'PageDown'], label: 'keyPage' },
  { keys: ['F2', 'Enter'], label: 'keyEdit' },
  { keys: ['Alt+Enter'], label: 'keyBreak' },
  { keys: ['Ctrl+Enter'], label: 'keyFillAll' },
  { keys: ['Delete'], label: 'clear' },
  { keys: ['Ctrl+C', 'Ctrl+X', 'Ctrl+V'], label: 'keyClipboard' },
];

const date = () => new Date();
const two = (number) => String(number).padStart(2, '0');

/** Combination → act(hands); `keys` and `label` are what the list of keys shows. */
export const SHORTCUTS = [
  { on: ['Ctrl+KeyZ'], keys: ['Ctrl+Z'], label: 'undo', act: (hands) => hands.desk.history.undo() },
  { on: ['Ctrl+KeyY', 'Ctrl+Shift+KeyZ'], keys: ['Ctrl+Y'], label: 'redo', act: (hands) => hands.desk.history.redo() },
  { on: ['Ctrl+KeyA', 'Ctrl+Shift+Space'], keys: ['Ctrl+A'], label: 'keyAll', act: (hands) => hands.selectAll() },
  { on: ['Shift+Space'], keys: ['Shift+Space'], label: 'keyRow', act: (hands) => hands.selectLines('ROWS') },
  { on: ['Ctrl+Space'], keys: ['Ctrl+Space'], label: 'keyColumn', act: (hands) => hands.selectLines('COLUMNS') },
  { on: ['Ctrl+KeyD'], keys: ['Ctrl+D'], label: 'fillDown', act: (hands) => hands.clipboard.fill('down') },
  { on: ['Ctrl+KeyR'], keys: ['Ctrl+R'], label: 'fillRight', act: (hands) => hands.clipboard.fill('right') },
  { on: ['Ctrl+Shift+KeyV'], keys: ['Ctrl+Shift+V'], label: 'pasteValues', native: true, act: (hands) => { hands.clipboard.plain = true; } },
  { on: ['Ctrl+KeyB'], keys: ['Ctrl+B'], label: 'bold', act: (hands) => hands.commands.toggleStyle('bold') },
  { on: ['Ctrl+KeyI'], keys: ['Ctrl+I'], label: 'italic', act: (hands) => hands.commands.toggleStyle('italic') },
  { on: ['Ctrl+KeyU'], keys: ['Ctrl+U'], label: 'underline', act: (hands) => hands.commands.toggleStyle('underline') },
  { on: ['Ctrl+Semicolon'], keys: ['Ctrl+;'], label: 'keyToday', act: (hands) => hands.typeHere(`${date().getFullYear()}-${two(date().getMonth() + 1)}-${two(date().getDate())}`) },
  { on: ['Shift+F2'], keys: ['Shift+F2'], label: 'note', act: (hands) => hands.notes.edit() },
  { on: ['Shift+F10', 'ContextMenu', 'Ctrl+Shift+Backslash'], keys: ['Shift+F10'], label: 'keyMenu', act: (hands) => hands.commands.openAtCell() },
  { on: ['Ctrl+Alt+Equal', 'Ctrl+Alt+NumpadAdd'], keys: ['Ctrl+Alt+='], label: 'keyInsert', act: (hands) => hands.commands.insertLines() },
  { on: ['Ctrl+Alt+Minus', 'Ctrl+Alt+NumpadSubtract'], keys: ['Ctrl+Alt+−'], label: 'keyDelete', act: (hands) => hands.commands.deleteLines() },
  { on: ['Alt+ArrowDown'], keys: ['Alt+↓'], label: 'keyList', act: (hands) => hands.openDropdownOr(() => hands.desk.stepTab(1)) },
  { on: ['Ctrl+PageDown', 'Ctrl+Shift+PageDown'], keys: ['Ctrl+Shift+PageDown', 'Alt+↓'], label: 'keyNextTab', act: (hands) => hands.desk.stepTab(1) },
  { on: ['Ctrl+PageUp', 'Ctrl+Shift+PageUp', 'Alt+ArrowUp'], keys: ['Ctrl+Shift+PageUp', 'Alt+↑'], label: 'keyPreviousTab', act: (hands) => hands.desk.stepTab(-1) },
  { on: ['Shift+F11'], keys: ['Shift+F11'], label: 'newTab', act: (hands) => hands.desk.addTab() },
  { on: ['Ctrl+Backspace'], keys: ['Ctrl+Backspace'], label: 'keyReveal', act: (hands) => hands.painter.reveal(hands.active.row, hands.active.column) },
  { on: ['Ctrl+KeyF'], keys: ['Ctrl+F'], label: 'find', act: (hands) => hands.desk.find() },
  { on: ['Ctrl+KeyG', 'Ctrl+KeyJ'], keys: ['Ctrl+J'], label: 'keyGo', act: (hands) => hands.where.focus() },
  { on: ['F6'], keys: ['F6', 'Shift+F6'], label: 'keyArea', everywhere: true, act: (hands) => hands.desk.stepArea(1) },
  { on: ['Shift+F6'], everywhere: true, act: (hands) => hands.desk.stepArea(-1) },
  { on: ['Ctrl+Slash'], keys: ['Ctrl+/'], label: 'keys', everywhere: true, act: (hands) => hands.desk.keys() },
];

/** The combination that an event makes, letters by their place so that every layout works. */
export function comboOf(event) {
  const key = /^(Key|Digit|Numpad)/.test(event.code)
    || ['Semicolon', 'Slash', 'Equal', 'Minus', 'Space', 'Backslash'].includes(event.code)
    ? event.code : event.key;
  return [
    (event.ctrlKey || event.metaKey) && 'Ctrl', event.altKey && 'Alt', event.shiftKey && 'Shift', key,
  ].filter(Boolean).join('+');
}

/** The entry for an event, if any. */
export const shortcutOf = (event) => SHORTCUTS.find((one) => one.on.includes(comboOf(event)));
