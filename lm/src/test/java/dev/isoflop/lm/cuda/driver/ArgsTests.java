package dev.isoflop.lm.cuda.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class ArgsTests {

    @Test
    void theTablePointsAtTheValues() {
        try (Args args = new Args(8);
                Arena arena = Arena.ofConfined()) {
            MemorySegment map = arena.allocate(128);
            map.fill((byte) 7);
            args.reset()
                    .address(0x123456789aL)
                    .int32(-5)
                    .float32(2.5f)
                    .int64(-1)
                    .float64(0.1)
                    .struct(map)
                    .int32(9);
            assertThat(args.count()).isEqualTo(7);
            assertThat(value(args, 0).get(ValueLayout.JAVA_LONG, 0)).isEqualTo(0x123456789aL);
            assertThat(value(args, 1).get(ValueLayout.JAVA_INT, 0)).isEqualTo(-5);
            assertThat(value(args, 2).get(ValueLayout.JAVA_FLOAT, 0)).isEqualTo(2.5f);
            assertThat(value(args, 3).get(ValueLayout.JAVA_LONG, 0)).isEqualTo(-1);
            assertThat(value(args, 4).get(ValueLayout.JAVA_DOUBLE, 0)).isEqualTo(0.1);
            assertThat(value(args, 5).mismatch(map)).isEqualTo(-1);
            assertThat(value(args, 5).address() % 64).isZero();
            assertThat(value(args, 6).get(ValueLayout.JAVA_INT, 0)).isEqualTo(9);
            assertThat(new int[] {args.size(0), args.size(1), args.size(2), args.size(5)})
                    .containsExactly(8, 4, 4, 128);
        }
    }

    @Test
    void aResetStartsAgainInTheSameMemory() {
        try (Args args = new Args(2)) {
            args.int32(1).int32(2);
            long first = value(args, 0).address();
            args.reset().int32(3);
            assertThat(args.count()).isEqualTo(1);
            assertThat(value(args, 0).address()).isEqualTo(first);
            assertThat(value(args, 0).get(ValueLayout.JAVA_INT, 0)).isEqualTo(3);
        }
    }

    @Test
    void oneTooManyIsRefused() {
        try (Args args = new Args(1)) {
            args.int32(1);
            assertThatThrownBy(() -> args.int32(2)).isInstanceOf(IllegalStateException.class);
        }
    }

    /** What the table's entry points at, at least 128 bytes of it. */
    private static MemorySegment value(Args args, int index) {
        long at = args.memory().get(ValueLayout.JAVA_LONG, 8L * index);
        return args.memory().asSlice(at - args.memory().address(), 128);
    }
}
