package dev.isoflop.runner.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.isoflop.protocol.runner.RegisterRunner.Device;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GpuChoiceTests {

    private final DeviceProbe.Found four = new FakeProbe(4, "").find();
    private final DeviceProbe.Found none = new FakeProbe(0, "the NVIDIA driver was not found").find();

    @Test
    void allAreOfferedWhereThereAreSomeAndNoneWhereThereAreNone() {
        assertThat(GpuChoice.parse("all").choose(four)).hasSize(4);
        assertThat(GpuChoice.parse("all").choose(none)).isEmpty();
        assertThat(GpuChoice.parse("None").choose(four)).isEmpty();
    }

    @Test
    void namedOnesAreOfferedInTheOrderOfTheMachine() {
        assertThat(GpuChoice.parse(" 3, 1,3").choose(four))
                .extracting(Device::index)
                .containsExactly(1, 3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "some", "0;1", "-1", "0,", "1-3", "99999"})
    void anythingElseIsRefusedWithWhatItTakes(String text) {
        assertThatThrownBy(() -> GpuChoice.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("--gpus", "ISOFLOP_GPUS", "'" + text + "'", "all, none", "0,1");
    }

    @Test
    void aGpuThatIsNotThereIsNamedTogetherWithThoseThatAre() {
        assertThatThrownBy(() -> GpuChoice.parse("1,5,7").choose(four))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("--gpus", "GPU 5, 7", "0 (Fake GPU)", "3 (Fake GPU)");
    }

    @Test
    void askingForAGpuWhereThereIsNoneSaysWhyAndHowToGoOn() {
        assertThatThrownBy(() -> GpuChoice.parse("0").choose(none))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("--gpus", "GPU 0", "none", "the NVIDIA driver was not found");
    }
}
