#!/usr/bin/env bash
# Packs all that the GPU tests need into one directory, for a machine with a GPU but without Java, Maven or a network:
# a Java 25 image with the modules in use, our jars, JCuda's, the test classes and JUnit's console.
#
#   benchmarks/gpu/pack.sh [DIRECTORY]      default target/gpu; what was in it is replaced
#
# There, ./gpu-test.sh runs the tests tagged gpu. NO_BUILD=1 packs what was built last. MODULES packs more than lm; name those they
# use, too: MODULES="telemetry protocol scaling lm data evals experiment-runner" for the runner's.  LIMIT_MIB is the size it may have.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)"
OUT="${1:-$ROOT/target/gpu}"
MODULES="${MODULES:-lm}"
JUNIT_CONSOLE="org.junit.platform:junit-platform-console-standalone:6.0.3"
LIMIT_MIB="${LIMIT_MIB:-55}"

say() { printf '%s\n' "$*" >&2; }
die() { say "$1"; exit 1; }

[ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/jlink" ] || die "Set JAVA_HOME to a JDK 25 with jlink and its modules."
major="$("$JAVA_HOME/bin/java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)"
[ "${major:-0}" -ge 25 ] || die "JAVA_HOME is Java ${major:-unknown}; 25 is needed."
cd "$ROOT"
mvn() { ./mvnw -B -ntp -q "$@"; }

projects="$(printf '%s' "$MODULES" | tr ' ' ',')"
if [ -z "${NO_BUILD:-}" ]; then
  mvn -pl "$projects" -am -Dfast -DskipTests package
fi

case "$OUT" in /*) ;; *) OUT="$PWD/$OUT" ;; esac
if [ -e "$OUT" ] && [ ! -e "$OUT/gpu-test.sh" ] && [ -n "$(ls -A "$OUT")" ]; then
  die "$OUT has other files in it; name a new directory."
fi
rm -rf "$OUT"
mkdir -p "$OUT/lib" "$OUT/test-lib" "$OUT/tests"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# --- jars: those of the program, and beside them those only the tests need (AssertJ wants Byte Buddy for soft assertions alone).
# Without the compile Maven would look for the siblings of a module in a repository.
mvn -pl "$projects" -Dfast compile dependency:copy-dependencies -DincludeScope=runtime -DexcludeGroupIds=dev.isoflop -DoutputDirectory="$OUT/lib"
mvn -pl "$projects" -Dfast compile dependency:copy-dependencies -DincludeScope=test -DexcludeGroupIds=dev.isoflop,net.bytebuddy,org.junit.jupiter,org.junit.platform,org.opentest4j,org.apiguardian \
  -DoutputDirectory="$scratch/test"
for jar in "$scratch"/test/*.jar; do
  [ -e "$OUT/lib/$(basename "$jar")" ] || cp "$jar" "$OUT/test-lib/"
done
mvn -pl lm dependency:copy -Dartifact="$JUNIT_CONSOLE" -DoutputDirectory="$OUT/test-lib"
for module in $MODULES; do
  for jar in "$module"/target/"$module"-*.jar; do
    case "$jar" in *-sources.jar | *-javadoc.jar | *-tests.jar) ;; *) cp "$jar" "$OUT/lib/" ;; esac
  done
  [ ! -d "$module/target/test-classes" ] || cp -R "$module/target/test-classes/." "$OUT/tests/"
done

# --- JCuda's natives without the libraries we never load: they are nine tenths of it
natives=("$OUT"/lib/jcuda-natives-*.jar)
if [ -e "${natives[0]}" ]; then
  mkdir "$scratch/natives"
  (cd "$scratch/natives" && "$JAVA_HOME/bin/jar" xf "${natives[0]}" && find lib -type f ! -name 'libJCudaDriver-*' -delete)
  "$JAVA_HOME/bin/jar" cfM "${natives[0]}" -C "$scratch/natives" lib
fi

# --- a Java with the modules that jdeps sees, and those it cannot see
seen="$("$JAVA_HOME/bin/jdeps" --ignore-missing-deps --print-module-deps --multi-release 25 --class-path "$OUT/lib/*:$OUT/test-lib/*" \
  "$OUT"/lib/*.jar "$OUT"/test-lib/*.jar "$OUT/tests" 2>/dev/null | grep -E '^[a-z.,]+$' || true)"
modules="java.base,java.logging,java.management,java.xml,jdk.management,jdk.incubator.vector,jdk.unsupported,jdk.zipfs${seen:+,$seen}"
# desktop, compiler and the like are only named by code of the test libraries that never runs here
modules="$(printf '%s' "$modules" | tr ',' '\n' | grep -vE '^(java\.desktop|java\.compiler|jdk\.compiler|java\.sql|java\.rmi|jdk\.jconsole|java\.scripting)$' | sort -u | paste -sd, -)"
"$JAVA_HOME/bin/jlink" --add-modules "$modules" --strip-debug --compress=zip-9 --no-man-pages --no-header-files --output "$OUT/jre"
# the virtual machine comes with its symbol table, a quarter of it
if command -v strip >/dev/null 2>&1; then
  chmod u+w "$OUT/jre/lib/server/libjvm.so"
  strip --strip-unneeded "$OUT/jre/lib/server/libjvm.so" || say "strip failed; the image stays larger"
fi

cat > "$OUT/gpu-test.sh" <<'SCRIPT'
#!/usr/bin/env bash
# Runs the tests tagged gpu; arguments go to JUnit's console (default: every test class).
set -uo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
flags=(--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+EnableDynamicAgentLoading -Xshare:auto)
[ $# -gt 0 ] || set -- --scan-class-path "$here/tests"
console() {
  "$here/jre/bin/java" "${flags[@]}" -cp "$here/tests:$here/lib/*:$here/test-lib/*" org.junit.platform.console.ConsoleLauncher \
    execute --disable-banner --include-tag gpu --details=tree --disable-ansi-colors "$@" 2>&1 | grep --line-buffered -v 'incubator modules'
  return "${PIPESTATUS[0]}"
}
console "$@"
code=$?
# the test that ruins its process's GPU context
flags+=(-Disoflop.test.sticky=true -Disoflop.cuda.blocking=true)
console --select-class dev.isoflop.lm.cuda.driver.StickyErrorGpuTests || code=1
exit $code
SCRIPT
chmod +x "$OUT/gpu-test.sh"

say "packed into $OUT (modules: $modules)"
(cd "$OUT" && du -sk jre lib test-lib tests && du -sk . && du -k lib/* test-lib/* | sort -rn | head -n 8) >&2
kib="$(du -sk "$OUT" | cut -f1)"
[ "$kib" -le $((LIMIT_MIB * 1024)) ] || die "That is over $LIMIT_MIB MiB."
