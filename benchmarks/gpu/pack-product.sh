#!/usr/bin/env bash
# Packs the whole product (platform with its PostgreSQL, runner, command line) and the GPU tests of the runner into parts that can be
# carried one by one to a machine with a GPU but without Java, Maven or a network.
#
#   benchmarks/gpu/pack-product.sh [DIRECTORY]      default target/gpu-product; what was in it is replaced
#
# DIRECTORY/jre is a Java 25 image, lib-1 and lib-2 the jars, tests the test classes and their libraries. There,
#   DIRECTORY/isoflop COMMAND...      is the command line (from the project's root, into which it links the jars)
#   DIRECTORY/gpu-test.sh ARGUMENT... runs the tests tagged gpu
# Build first: ./isoflop --help builds what has changed, tests/ needs ./mvnw -Dfast test-compile.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)"
OUT="${1:-$ROOT/target/gpu-product}"
JUNIT_CONSOLE="org.junit.platform:junit-platform-console-standalone:6.0.3"
JAVA_MODULES="java.se,jdk.incubator.vector,jdk.unsupported,jdk.zipfs,jdk.management,jdk.crypto.ec,jdk.jfr,jdk.httpserver,jdk.naming.dns,jdk.security.auth"

say() { printf '%s\n' "$*" >&2; }
die() { say "$1"; exit 1; }

[ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/jlink" ] || die "Set JAVA_HOME to a JDK 25 with jlink and its modules."
cd "$ROOT"
case "$OUT" in /*) ;; *) OUT="$PWD/$OUT" ;; esac
if [ -e "$OUT" ] && [ ! -e "$OUT/isoflop" ] && [ -n "$(ls -A "$OUT")" ]; then
  die "$OUT has other files in it; name a new directory."
fi
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
[ ! -d "$OUT/jre" ] || mv "$OUT/jre" "$scratch/jre" # the same each time
rm -rf "$OUT"
mkdir -p "$OUT/lib-1" "$OUT/lib-2" "$OUT/tests/classes" "$OUT/tests/lib"

# --- jars, each once; which module wants which is written down
: >"$OUT/lib-1/modules.txt"
mkdir "$scratch/jars"
for module in platform-api experiment-runner cli; do
  [ -d "$module/target/lib" ] || die "$module is not built: run ./isoflop --help first."
  for jar in "$module"/target/lib/*.jar "$module"/target/"$module"-*.jar; do
    name="$(basename "$jar")"
    case "$name" in *binaries-darwin* | *binaries-windows* | *alpine* | *-tests.jar) continue ;; esac
    cp -n "$jar" "$scratch/jars/$name" 2>/dev/null || true
    printf '%s %s\n' "$module" "$name" >>"$OUT/lib-1/modules.txt"
  done
done
natives=("$scratch"/jars/jcuda-natives-*.jar)
mkdir "$scratch/natives"
(cd "$scratch/natives" && "$JAVA_HOME/bin/jar" xf "${natives[0]}" && find lib -type f ! -name 'libJCudaDriver-*' -delete)
"$JAVA_HOME/bin/jar" cfM "${natives[0]}" -C "$scratch/natives" lib
total="$(du -sk "$scratch/jars" | cut -f1)"
sum=0
for jar in "$scratch"/jars/*.jar; do
  part=lib-1
  [ "$sum" -lt $((total / 2)) ] || part=lib-2
  sum=$((sum + $(du -k "$jar" | cut -f1)))
  cp "$jar" "$OUT/$part/"
done

# --- tests
for module in lm experiment-runner; do
  [ ! -d "$module/target/test-classes" ] || cp -R "$module/target/test-classes/." "$OUT/tests/classes/"
done
./mvnw -o -B -ntp -q -pl lm dependency:copy -Dartifact="$JUNIT_CONSOLE" -DoutputDirectory="$OUT/tests/lib"
./mvnw -o -B -ntp -q -pl lm dependency:copy-dependencies -DincludeScope=test -DincludeArtifactIds=assertj-core,commons-math3 -DoutputDirectory="$OUT/tests/lib"

# --- Java
if [ -d "$scratch/jre" ]; then
  mv "$scratch/jre" "$OUT/jre"
else
  "$JAVA_HOME/bin/jlink" --add-modules "$JAVA_MODULES" --strip-debug --compress=zip-9 --no-man-pages --no-header-files --output "$OUT/jre"
  chmod u+w "$OUT/jre/lib/server/libjvm.so"
  strip --strip-unneeded "$OUT/jre/lib/server/libjvm.so" || say "strip failed; the image stays larger"
fi

cat >"$OUT/isoflop" <<'SCRIPT'
#!/usr/bin/env bash
# The command line of the packed product; run from the project's root.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
root="$PWD"
if [ ! -e "$root/cli/target/lib" ]; then
  while read -r module jar; do
    mkdir -p "$root/$module/target/lib"
    file="$here/lib-1/$jar"
    [ -e "$file" ] || file="$here/lib-2/$jar"
    case "$jar" in "$module"-*) ln -sf "$file" "$root/$module/target/$jar" ;; *) ln -sf "$file" "$root/$module/target/lib/$jar" ;; esac
  done <"$here/lib-1/modules.txt"
fi
export JAVA_HOME="$here/jre" PATH="$here/jre/bin:$PATH"
exec "$here/jre/bin/java" -XX:+UseSerialGC -Xmx256m "-Disoflop.root=$root" -cp "$root/cli/target/*:$root/cli/target/lib/*" dev.isoflop.cli.IsoflopMain "$@"
SCRIPT
cat >"$OUT/gpu-test.sh" <<'SCRIPT'
#!/usr/bin/env bash
# Runs the tests tagged gpu; arguments go to JUnit's console (default: every test class).
set -uo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
[ $# -gt 0 ] || set -- --scan-class-path "$here/tests/classes"
exec "$here/jre/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+EnableDynamicAgentLoading \
  -cp "$here/tests/classes:$here/lib-1/*:$here/lib-2/*:$here/tests/lib/*" org.junit.platform.console.ConsoleLauncher \
  execute --disable-banner --include-tag gpu --details=tree --disable-ansi-colors "$@"
SCRIPT
chmod +x "$OUT/isoflop" "$OUT/gpu-test.sh"
(cd "$OUT" && du -sk jre lib-1 lib-2 tests) >&2
