package dev.isoflop.platform.providers.slurm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.platform.IsoflopSettings;
import dev.isoflop.platform.providers.PoolSettings;
import dev.isoflop.platform.providers.ProvidedRunner;
import dev.isoflop.platform.providers.ProvidedRunner.State;
import dev.isoflop.platform.providers.ProviderException;
import dev.isoflop.platform.providers.RunnerRequest;
import dev.isoflop.platform.providers.TestPools;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is said to Slurm and how its answers are read, without a Slurm. */
class SlurmCommandTests {

    private static final IsoflopSettings SETTINGS = new IsoflopSettings(
            Path.of("/home/isoflop"),
            new IsoflopSettings.Database(null, null, null, 0),
            new IsoflopSettings.AdminToken(false),
            new IsoflopSettings.Session(Duration.ofDays(1)));

    private static PoolSettings pool(String... options) {
        return TestPools.pool("slurm", 1, 60, 2, Duration.ofMinutes(90), List.of(options), Path.of("/shared"));
    }

    @Test
    void theCommandLineSaysAllOfThePoolAndNotTheToken() {
        RunnerRequest request = new RunnerRequest(
                "isoflop-k", "gpu", pool("--qos=low"), URI.create("http://h:1"), "isf_secret", List.of("runner"));
        assertThat(SlurmProvider.sbatch(request, Path.of("/shared")))
                .contains(
                        "--job-name=isoflop-k",
                        "--gres=gpu:2",
                        "--time=90:00",
                        "--signal=B:TERM@55",
                        "--requeue",
                        "--export=ISOFLOP_TOKEN,HOME,PATH,USER",
                        "--qos=low")
                .noneMatch(word -> word.contains("isf_secret"));
        assertThat(SlurmScript.of("/shared", request.commandLine("/shared"))).doesNotContain("isf_secret");
    }

    @Test
    void theScriptHandsWordsOnAsTheyAre() throws Exception {
        List<String> words =
                List.of("printf", "<%s>", "a b", "it's", "$HOME", "`id`", "$(id)", "\\", "\"", "*", "a\nb", ";");
        Commands.Answer answer = new Commands(Duration.ofSeconds(10))
                .run(List.of("/bin/sh"), Map.of(), SlurmScript.of(System.getProperty("java.io.tmpdir"), words));
        assertThat(answer.status()).isZero();
        assertThat(answer.output()).isEqualTo("<a b><it's><$HOME><`id`><$(id)><\\><\"><*><a\nb><;>");
    }

    @Test
    void jobsAreReadAndOthersLeftOut() {
        List<ProvidedRunner> runners = SlurmProvider.parse("""
                        7|PENDING|Resources||isoflop-1-p-0123456789ab
                        8|RUNNING|None|node1|isoflop-1-p-0123456789ac
                        9|NODE_FAIL|None|node2|isoflop-1-p-0123456789ad
                        10|RUNNING|None|node1|someone's job | with a bar
                        11|TIMEOUT|TimeLimit|node1|isoflop-1-p-0123456789ae
                        12|SOMETHING_NEW|None|node1|isoflop-1-p-0123456789af
                        a warning
                        """, "isoflop-1-p-");
        assertThat(runners)
                .extracting(ProvidedRunner::externalId, ProvidedRunner::state, ProvidedRunner::reason)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("7", State.WAITING, "Slurm: PENDING: Resources"),
                        org.assertj.core.groups.Tuple.tuple("8", State.RUNNING, null),
                        org.assertj.core.groups.Tuple.tuple("9", State.ENDED, "Slurm: NODE_FAIL"),
                        org.assertj.core.groups.Tuple.tuple("11", State.ENDED, "Slurm: TIMEOUT: TimeLimit"),
                        org.assertj.core.groups.Tuple.tuple("12", State.RUNNING, "Slurm: SOMETHING_NEW"));
    }

    @Test
    void optionsThatThePlatformSetsItselfAreRefusedByName() {
        SlurmProvider provider = new SlurmProvider(SETTINGS);
        provider.check("isoflop.pools.gpu", pool("--constraint=h100|a100", "--exclusive", "--no-requeue"));
        assertThatThrownBy(() -> provider.check("isoflop.pools.gpu", pool("--array=0-9")))
                .hasMessageStartingWith("isoflop.pools.gpu.sbatch-options must not have --array");
        assertThatThrownBy(() -> provider.check("isoflop.pools.gpu", pool("-p main")))
                .hasMessageStartingWith("isoflop.pools.gpu.sbatch-options holds one long option");
    }

    @Test
    void aCommandThatHangsIsEndedAndLeavesTheMatterInDoubt() {
        assertThatThrownBy(() -> new Commands(Duration.ofMillis(200)).run(List.of("sleep", "20"), Map.of(), ""))
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.isInDoubt()).isTrue())
                .hasMessageContaining("sleep did not answer");
        assertThatThrownBy(() -> new Commands(Duration.ofSeconds(1)).run(List.of("/no/sbatch"), Map.of(), ""))
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.isInDoubt()).isFalse())
                .hasMessageContaining("/no/sbatch cannot be run");
    }
}
