package dev.isoflop.scaling.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.isoflop.scaling.downstream.Checkpoint;
import dev.isoflop.scaling.law.FitPoint;
import java.io.IOException;
import java.io.StringReader;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TaskTablesTests {

    private static CheckpointTable checkpoints(String csv) throws TableException, IOException {
        return CheckpointTable.read(new StringReader(csv), Map.of());
    }

    private static TaskTables tables(String runs, String checkpoints) throws TableException, IOException {
        return new TaskTables(
                PointTable.read(new StringReader(runs), Map.of()),
                CheckpointTable.read(new StringReader(checkpoints), Map.of()));
    }

    @Test
    void checkpointsAreReadWithWhatTheyAreOf() throws Exception {
        CheckpointTable table = checkpoints(
                "task,model,run,Bits per byte,Acc\npiqa,190M,1xC,1.5,.5\npiqa,190M,2xC,1.4,nan\n\npiqa,370M,1xC,,.6\nboolq,370M,1xC,1.2,0.6\n");
        assertThat(table.rows())
                .containsExactly(
                        new CheckpointTable.Row(2, "piqa", "1xC", "190M", 1.5, .5),
                        new CheckpointTable.Row(6, "boolq", "1xC", "370M", 1.2, .6));
        assertThat(table.rows()).extracting(CheckpointTable.Row::group).containsExactly("190M 1xC", "370M 1xC");
        assertThat(table.leftOut())
                .containsExactly(
                        new PointTable.LeftOut(3, "no accuracy, a share"),
                        new PointTable.LeftOut(5, "no bits per byte"));
        assertThat(table.tasks()).containsExactly("piqa", "boolq");
        assertThat(table.isGrouped()).isTrue();
        assertThat(table.only(row -> row.task().equals("piqa")).isGrouped())
                .as("one group is nothing to draw from")
                .isFalse();
        assertThat(checkpoints("bpb,acc\n1,.5\n.9,.6\n").isGrouped()).isFalse();
    }

    @Test
    void checkpointsAreSmoothedWithinTheirRunAlone() throws Exception {
        CheckpointTable table = checkpoints("run,bpb,acc\na,4,.1\nb,8,.9\na,3,.2\nb,6,.8\na,2,.3\n");
        assertThat(table.checkpoints(0, 1))
                .hasSize(5)
                .startsWith(new Checkpoint("a", 4, .1), new Checkpoint("b", 8, .9));
        assertThat(table.checkpoints(.3, 2)).extracting(Checkpoint::run).containsExactly("a", "a", "b");
        assertThat(table.checkpoints(.3, 2)).extracting(Checkpoint::bpb).containsExactly(3.0, 2.5, 6.0);
        assertThat(table.checkpoints(.3, 2).get(1).accuracy()).isCloseTo(.25, within(1e-12));
        CheckpointTable ofModels = checkpoints("model,bpb,acc\na,4,.1\na,3,.2\n");
        assertThatThrownBy(() -> ofModels.checkpoints(0, 2))
                .hasMessageContaining("line 2 does not say which run its checkpoint is of");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            bpb;1                    | line 1: no column of accuracy, a share (accuracy, acc
            acc;1                    | line 1: no column of bits per byte (bpb
            bpb,acc;1,45             | line 2: 45 in the column 'acc' does not lie between 0 and 1; write accuracy, a share, so 45 % as 0.45
            bpb,acc;1,x              | line 2: 'x' in the column 'acc' is no number; write accuracy, a share as a plain one, such as 0.45
            bpb,acc;0,.5             | line 2: 0 in the column 'bpb' is not positive
            bpb,acc                  | the table has a header and no rows
            bpb,acc;nan,.5           | none of the 1 rows has both bits per byte and accuracy
            bpb,acc,accuracy;1,.5,.5 | line 1: both 'acc' and 'accuracy' could be ACCURACY
            """)
    void whatIsWrongWithCheckpointsIsSaidWithItsLine(String csv, String message) {
        assertThatThrownBy(() -> checkpoints(csv.strip().replace(';', '\n')))
                .isInstanceOf(TableException.class)
                .hasMessageContaining(message.strip());
    }

    private static final String RUNS = "task,N,D,loss,run\na,1,1,1,x\nb,1,1,2,x\nc,1,1,3,x\n,1,1,4,x\na,1,1,5,TARGET\n";

    @Test
    void rowsOfATaskGoTogether() throws Exception {
        TaskTables tables = tables(RUNS, "task,bpb,acc,model\nb,1,.1,m\na,1,.2,m\nd,1,.3,m\na,1,.4,13B-TARGET\n");
        assertThat(tables.tasks()).containsExactly("a", "b");
        assertThat(tables.isPaired()).isTrue();
        assertThat(tables.sentences())
                .containsExactly(
                        "the checkpoints' table has nothing of c",
                        "the runs' table has nothing of d",
                        "1 row says no task and is left out");
        assertThat(tables.of("a").runs().points()).extracting(FitPoint::loss).containsExactly(1.0, 5.0);
        assertThat(tables.of("a").checkpoints().rows())
                .extracting(CheckpointTable.Row::accuracy)
                .containsExactly(.2, .4);
        TaskTables without = tables.without("*TARGET").of("a");
        assertThat(without.runs().points()).extracting(FitPoint::loss).containsExactly(1.0);
        assertThat(without.checkpoints().rows())
                .extracting(CheckpointTable.Row::accuracy)
                .containsExactly(.2);
        assertThat(tables.without("TARGE").runs().points()).as("a whole name").hasSize(5);
    }

    @Test
    void aTableThatNamesNoTaskIsOfTheOneAskedFor() throws Exception {
        TaskTables one = tables(RUNS, "bpb,acc\n1,.1\n");
        assertThat(one.tasks()).containsExactly("a", "b", "c");
        assertThat(one.isPaired()).isFalse();
        assertThat(one.of("b").runs().points()).hasSize(1);
        assertThat(one.of("b").checkpoints().rows()).hasSize(1);
        TaskTables neither = tables("N,D,loss\n1,1,1\n", "bpb,acc\n1,.1\n");
        assertThat(neither.tasks()).isEmpty();
        assertThat(neither.isPaired()).isTrue();
        assertThat(neither.of("").runs().points()).hasSize(1);
        assertThat(neither.sentences()).isEmpty();
        assertThat(tables(RUNS, "task,bpb,acc\nz,1,.1\n").tasks()).isEmpty();
    }
}
