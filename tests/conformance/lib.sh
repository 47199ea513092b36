# Shared by the conformance scripts: starts a program that prints one JSON line when it is ready.

folder=$(mktemp -d)
started=()
finish() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$folder"
}
trap finish EXIT

# start NAME COMMAND...: leaves the line in $folder/NAME.json; waits for it at most 60 s
start() {
  local name=$1
  shift
  # What an earlier program of this name said must not be taken for this one's readiness.
  : >"$folder/$name.json"
  "$@" >"$folder/$name.json" 2>"$folder/$name.log" &
  started+=($!)
  for _ in $(seq 600); do
    [ -s "$folder/$name.json" ] && return 0
    kill -0 "${started[-1]}" 2>/dev/null || break
    sleep 0.1
  done
  echo "$name did not start:"
  cat "$folder/$name.log"
  return 1
}

# of NAME KEY: a value of the line
of() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$folder/$1.json" "$2"; }

# record NAME REFERENCE TRAFFIC: a recorder in front of the program NAME; leaves its address in $recorded
record() {
  local port
  port=$(free_port)
  python3 "$2/tools/record_proxy.py" "$port" "$(of "$1" endpoint)" "$3" 2>"$folder/$1-recorder.log" &
  started+=($!)
  recorded=http://127.0.0.1:$port
  for _ in $(seq 100); do
    python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null && return 0
    sleep 0.1
  done
  echo "the recorder of $1 did not start:"
  cat "$folder/$1-recorder.log"
  return 1
}

# free_port: one that nobody listens on
free_port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
