// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.DiagGGNMC;
import io.backpack4j.ext.secondorder.SqrtGGNExact;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.SampleIds;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.modules.linear.loss.BCEWithLogitsLoss;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What samples are, and what is known of their results before there are any. */
class SamplesTest {

    private static final SessionOptions STATE =
            new SessionOptions(PassOptions.DEFAULT, 0, false, SampleIds.NONE, PerSample.DROP);

    private static SampleForm form(Model model) {
        return new SampleForm(
                model.dtype(),
                List.of(new SampleForm.Part(Graph.INPUT, new long[] {Networks.FEATURES}, false)),
                new SampleForm.Part("target", new long[0], true));
    }

    private static String target(Loss loss, Shape output, boolean whole, int elements) {
        return TargetForm.find(loss, output, DType.FLOAT32, whole, elements)
                .map(part -> (part.integers() ? "integers " : "reals ") + Shape.of(part.sizes()))
                .orElse("none");
    }

    @Test
    void targets_are_what_the_loss_takes() {
        assertThat(target(new CrossEntropyLoss(), Shape.of(10), true, 1)).isEqualTo("integers []");
        assertThat(target(new CrossEntropyLoss(), Shape.of(10), false, 1)).isEqualTo("integers []");
        assertThat(target(new CrossEntropyLoss(), Shape.of(10), false, 10)).isEqualTo("reals [10]");
        assertThat(target(new CrossEntropyLoss(), Shape.of(10, 7), true, -1)).isEqualTo("integers [7]");
        assertThat(target(new CrossEntropyLoss(), Shape.of(10), true, 2)).isEqualTo("none");
        assertThat(target(new MSELoss(), Shape.of(1), true, 1)).isEqualTo("reals [1]");
        assertThat(target(new BCEWithLogitsLoss(), Shape.of(1), true, 1)).isEqualTo("reals [1]");
        assertThat(target(new MSELoss(), Shape.of(2, 2), false, -1)).isEqualTo("reals [2, 2]");
    }

    @Test
    void a_copy_of_a_model_is_the_same_and_stays_so() {
        try (BackPack backpack = BackPack.create();
                Model model = Networks.mlp(backpack, DType.FLOAT32)) {
            double[] before = model.parameters().get("0.weight").toDoubleArray();
            SparkModel sent = SparkModel.of(model);
            model.parameters().initialize(9);
            try (Model made = sent.on(backpack, getClass().getClassLoader())) {
                assertThat(made.parameters().get("0.weight").toDoubleArray()).isEqualTo(before);
                assertThat(made.description()).isEqualTo(model.description());
            }
        }
    }

    @Test
    void a_rehearsal_knows_the_size_of_a_state_draws_and_columns() {
        try (BackPack backpack = BackPack.create();
                Model model = Networks.mlp(backpack, DType.FLOAT32)) {
            Rehearsal rehearsal = new Rehearsal(backpack, model, form(model));
            List<Request<?>> variance = List.of(Request.of(new Variance()));
            assertThat(rehearsal.draws(variance, STATE)).isFalse();
            assertThat(rehearsal.draws(List.of(Request.of(new DiagGGNMC(1))), STATE))
                    .isTrue();
            assertThat(rehearsal.stateBytes(List.of(), STATE)).isGreaterThan(2L * 53 * 4);
            assertThat(rehearsal.stateBytes(variance, STATE)).isGreaterThan(rehearsal.stateBytes(List.of(), STATE));
            SampleResults columns = rehearsal.sampleResults(
                    List.of(Request.of(new BatchGrad()), Request.of(new SqrtGGNExact())), STATE, "name", true);
            assertThat(columns.columns().stream().map(SampleResults.Column::name))
                    .contains("loss_batch", "0.weight/grad_batch", "2.bias/sqrt_ggn_exact")
                    .doesNotContain("loss", "0.weight/grad");
            assertThat(columns.columns()).anySatisfy(column -> {
                assertThat(column.name()).isEqualTo("2.bias/sqrt_ggn_exact");
                assertThat(column.axis()).isEqualTo(1);
                assertThat(column.elements()).isEqualTo(9);
            });
        }
    }

    @Test
    void objects_are_checked_by_sample() {
        SampleForm form = new SampleForm(
                DType.FLOAT64,
                List.of(new SampleForm.Part(Graph.INPUT, new long[] {2}, false)),
                new SampleForm.Part("target", new long[0], true));
        ObjectReader reader = new ObjectReader(form);
        BatchArrays arrays = new BatchArrays(form, 2);
        reader.read(Sample.of(5).input(1f, 2f).target(1L), 0, arrays);
        reader.read(Sample.of(6).input(3.0, 4.0).target(2.0), 0, arrays);
        assertThat((double[]) arrays.input(0)).containsExactly(1, 2, 3, 4);
        assertThat((long[]) arrays.target()).containsExactly(1, 2);
        assertThat(arrays.isFull()).isTrue();
        arrays.clear();
        assertThatThrownBy(() -> reader.read(Sample.of(7).input(1.0), 0, arrays))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("Sample 7: 'input' has 1 numbers, but the model takes 2");
        assertThatThrownBy(() -> reader.read(Sample.of(7).input(1.0, 2.0), 0, arrays))
                .hasMessageContaining("Sample 7: it has no target");
        assertThatThrownBy(() -> reader.read(Sample.of(7).target(1L), 0, arrays))
                .hasMessageContaining("Sample 7: it has 0 inputs, but the model takes 1");
    }

    @Test
    void options_say_what_they_can_be() {
        assertThatThrownBy(() -> SparkOptions.DEFAULT.batch(0))
                .isInstanceOf(BackpackException.class)
                .hasMessage("[InvalidOption] The number of samples per batch is 0, but must be at least 1.");
        assertThatThrownBy(() -> SparkOptions.DEFAULT.fanIn(1)).hasMessageContaining("at least 2");
        assertThatThrownBy(() -> SparkOptions.DEFAULT.partitions(0)).hasMessageContaining("at least 1");
    }
}
