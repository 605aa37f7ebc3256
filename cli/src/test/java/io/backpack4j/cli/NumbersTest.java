package io.backpack4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.Mockito.doAnswer;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is measured and summarised, and how it is written. */
class NumbersTest {

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "-0.0, 0",
        "1, 1.000",
        "-0.00123456, -0.001235",
        "123456, 1.235e+05",
        "1e-9, 1.000e-09",
        "NaN, NaN"
    })
    void numbers_have_four_digits(double value, String text) {
        assertThat(Text.number(value)).isEqualTo(text);
    }

    @Test
    void types_have_the_names_of_files() {
        assertThat(List.of(DType.values())).extracting(Text::of).containsExactly("float32", "float64", "int64");
    }

    @Test
    void medians_of_even_counts_lie_between() {
        assertThat(Durations.of(List.of(4.0, 1.0, 2.0, 10.0))).isEqualTo(new Durations(3, 1, 10));
        assertThat(Durations.of(List.of(2.0))).isEqualTo(new Durations(2, 2, 2));
        assertThatThrownBy(() -> Durations.of(List.of())).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void durations_are_json() {
        assertThat(new Durations(1.5, 1, 1000.25).toJson())
                .isEqualTo("{\"median\": 1.500, \"min\": 1.000, \"max\": 1000.250}");
    }

    @Test
    void actions_are_measured() {
        assertThat(Durations.measure(() -> {})).isBetween(0.0, 1000.0);
    }

    @Test
    void tensors_are_summarised_in_ranges() {
        int size = 40_000;
        TensorSummary summary = TensorSummary.of(tensor(size));
        assertThat(summary.min()).isEqualTo(-1);
        assertThat(summary.max()).isEqualTo(size - 2.0);
        assertThat(summary.mean()).isCloseTo((size - 3) / 2.0, within(1e-9));
        double squares =
                LongStream.range(-1, size - 1).mapToDouble(i -> (double) i * i).sum();
        assertThat(summary.norm()).isCloseTo(Math.sqrt(squares), within(1e-3));
    }

    @Test
    void empty_tensors_have_no_extremes() {
        assertThat(TensorSummary.of(tensor(0))).isEqualTo(new TensorSummary(Double.NaN, Double.NaN, Double.NaN, 0));
    }

    @Test
    void peak_memory_is_known_somehow(@TempDir Path directory) throws IOException {
        assertThat(PeakMemory.mebibytes()).isGreaterThan(1);
        assertThat(PeakMemory.currentMebibytes()).isGreaterThan(1).isLessThanOrEqualTo(PeakMemory.mebibytes());
        assertThat(PeakMemory.resident(directory.resolve("none"))).isEmpty();
        Path status = Files.writeString(directory.resolve("status"), "Name:\tjava\nVmHWM:\t  2048 kB\n");
        assertThat(PeakMemory.resident(status)).hasValue(2.0);
    }

    /** The numbers from -1 on. */
    private static Tensor tensor(int size) {
        Tensor tensor = mock(Tensor.class);
        when(tensor.shape()).thenReturn(Shape.of(size));
        doAnswer(call -> {
                    long from = call.getArgument(0);
                    double[] target = call.getArgument(1);
                    int offset = call.getArgument(2);
                    int count = call.getArgument(3);
                    for (int i = 0; i < count; i++) {
                        target[offset + i] = from + i - 1.0;
                    }
                    return null;
                })
                .when(tensor)
                .read(anyLong(), any(double[].class), anyInt(), anyInt());
        return tensor;
    }
}
