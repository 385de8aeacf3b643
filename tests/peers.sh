#!/usr/bin/env bash
# Puts newer packaged servers (Redis 8, Valkey 9) into a folder of their own, without touching the system: the packages of
# the distribution's newest suite are unpacked next to the C library they were built for, and FOLDER/run NAME ARGUMENTS...
# starts one of them. The mirror is the one that this machine's apt already uses.
set -euo pipefail

folder=$(realpath -m "${1:?usage: peers.sh FOLDER}")
suite=sid
packages=(redis-server redis-tools valkey-server valkey-tools libc6 libssl3t64 libsystemd0 libjemalloc2 liblzf1 libatomic1 libcap2
    libstdc++6 libgcc-s1 zlib1g libzstd1)

if [ -x "$folder/run" ] && "$folder/run" redis-server --version >/dev/null 2>&1; then
    exit 0
fi

mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -v '^ *#' | grep -oE 'https?://[^ ]+/debian/?( |$)' |
    grep -v -- '-security' | head -n 1 | tr -d ' ' || true)
if [ -z "$mirror" ]; then
    echo "peers.sh: apt on this machine knows no Debian mirror; install Debian packages or set RINGFORT_PEERS" >&2
    exit 1
fi

# An apt of its own: lists, cache and status below the folder, so that the system's state stays as it is.
mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/apt/packages" "$folder/root"
arch=$(dpkg --print-architecture)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$folder/apt/sources.list"
: >"$folder/apt/status"
own=(-o "Dir::Etc::SourceList=$folder/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$folder/apt/lists"
    -o "Dir::Cache=$folder/apt/cache" -o "Dir::State::status=$folder/apt/status" -o APT::Sandbox::User=root)
apt-get "${own[@]}" update -qq
(cd "$folder/apt/packages" && apt-get "${own[@]}" download -qq "${packages[@]}")
for package in "$folder"/apt/packages/*.deb; do
    dpkg-deb -x "$package" "$folder/root"
done

# Programs run under the unpacked loader with the unpacked libraries.
loader=$(find "$folder/root" -name 'ld-linux-*.so.*' -not -type d | head -n 1)
libraries=$(dirname "$(find "$folder/root" -name libc.so.6 | head -n 1)")
[ -n "$loader" ] || { echo "peers.sh: no loader for $arch among the packages" >&2; exit 1; }
cat >"$folder/run" <<RUN
#!/usr/bin/env bash
exec "$loader" --library-path "$libraries" "$folder/root/usr/bin/\$1" "\${@:2}"
RUN
chmod +x "$folder/run"
"$folder/run" redis-server --version
