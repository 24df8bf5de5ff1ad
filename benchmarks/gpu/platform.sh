# Sourced by study.sh and plan.sh, which set pack and out: a home for a platform that PostgreSQL accepts, and the packed command line. Sets home, as, isoflop() and there().
home="$(mktemp -d)"
chmod 755 "$home" # PostgreSQL refuses to be root, and whoever it is then has to get in
as=()
if [ "$(id -u)" = 0 ] && ! unshare -U true 2>/dev/null; then # no namespace to be someone else in: be someone else
  as=(setpriv --reuid=65534 --regid=65534 --clear-groups env "HOME=$home")
  bash "$pack/isoflop" --version >/dev/null # links the jars, as root
fi
port="${PORT:-8977}"
isoflop() { "${as[@]}" bash "$pack/isoflop" "$@"; }
there() { isoflop "$@" --home "$home"; } # at that platform
trap 'there down >/dev/null 2>&1; cp "$home"/logs/*.log "$out"/ 2>/dev/null; rm -rf "$home"' EXIT

# Starts it, with what was put into its home.
platform_up() {
  [ "${#as[@]}" = 0 ] || chown -R 65534:65534 "$home"
  there up --offline --port "$port"
}
