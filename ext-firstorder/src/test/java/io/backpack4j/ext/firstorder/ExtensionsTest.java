// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.firstorder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.heap.HeapBackend;
import io.backpack4j.testkit.site.FakePartial;
import io.backpack4j.testkit.site.FakeSite;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ExtensionsTest {

    private final HeapBackend backend = new HeapBackend();
    private final TensorScope scope = backend.openScope();

    @AfterEach
    void closeAll() {
        scope.close();
        backend.close();
    }

    @Test
    void everyExtensionAsksForOneContractionOfTheGradient() {
        assertThat(contraction(new BatchGrad())).isEqualTo(new Contraction.PerSample());
        assertThat(contraction(new BatchGrad(List.of(2, 0, 2))))
                .isEqualTo(new Contraction.PerSample(Optional.of(List.of(2, 0, 2))));
        assertThat(contraction(new BatchL2Grad())).isEqualTo(new Contraction.SquaredNorms());
        assertThat(contraction(new SumGradSquared())).isEqualTo(new Contraction.SumOfSquares());
        assertThat(contraction(new Variance())).isEqualTo(new Contraction.Moments());
    }

    @Test
    void resultsHaveTheirNames() {
        assertThat(new BatchGrad().resultName()).isEqualTo("grad_batch");
        assertThat(new BatchL2Grad().resultName()).isEqualTo("batch_l2");
        assertThat(new SumGradSquared().resultName()).isEqualTo("sum_grad_squared");
        assertThat(new Variance().resultName()).isEqualTo("variance");
        assertThat(new Variance().type()).isEqualTo("Variance");
        assertThat(new Variance().stages()).isEqualTo(1);
    }

    @Test
    void theColumnAxisIsDropped() {
        Tensor gradients = result(new BatchGrad(), 2, Shape.of(1, 2, 2), 1, 2, 3, 4);
        assertThat(gradients.shape()).isEqualTo(Shape.of(2, 2));
        assertThat(gradients.toDoubleArray()).containsExactly(1, 2, 3, 4);

        Tensor norms = result(new BatchL2Grad(), 2, Shape.of(1, 2), 5, 25);
        assertThat(norms.shape()).isEqualTo(Shape.of(2));
        assertThat(norms.toDoubleArray()).containsExactly(5, 25);
    }

    @Test
    void sumsOfSquaresStayAsTheyAre() {
        assertThat(result(new SumGradSquared(), 4, Shape.of(2), 10, 20).toDoubleArray())
                .containsExactly(10, 20);
    }

    @Test
    void theVarianceIsDividedByTheNumberOfSamplesAndLeavesItsPartialAlone() {
        FakePartial partial = FakePartial.of(backend, scope, 4, Shape.of(2), 10, 20);

        Tensor variance = new Variance().finish(partial);

        assertThat(variance.toDoubleArray()).containsExactly(2.5, 5);
        assertThat(partial.partial().toDoubleArray()).containsExactly(10, 20);
    }

    @Test
    void theResultIsExportedUnderItsOwnName() {
        Tensor tensor = scope.allocate(Shape.of(1), DType.FLOAT64);

        assertThat(new Variance().export(tensor)).isEqualTo(Map.of("", tensor));
    }

    @Test
    void subsamplingIsChecked() {
        assertThatThrownBy(() -> new BatchGrad(List.of(1, -2))).hasMessageContaining("position -2");
        assertThatThrownBy(() -> new BatchGrad(List.of())).hasMessageContaining("names no position");
        assertThatThrownBy(() -> new BatchGrad(List.of(0, 5)).declare(1, new FakeSite(5)))
                .hasMessage(
                        "[InvalidArgument] Option 'subsampling' of BatchGrad asks for position 5, but the batch has 5"
                                + " samples: possible are 0 to 4.");
        new BatchGrad(List.of(4)).declare(1, new FakeSite(5));
    }

    @Test
    void equalExtensionsAskForTheSame() {
        assertThat(new BatchGrad(List.of(1))).isEqualTo(new BatchGrad(Optional.of(List.of(1))));
        assertThat(new BatchGrad()).isEqualTo(new BatchGrad(Optional.empty()));
        assertThat(new Variance()).isEqualTo(new Variance());
    }

    private static Contraction contraction(Extension<?> extension) {
        FakeSite site = new FakeSite(5);
        extension.declare(1, site);
        assertThat(site.requests()).hasSize(1);
        assertThat(site.requests().get(0).signal()).isEqualTo(new LossGradient());
        return site.requests().get(0).contraction();
    }

    private Tensor result(TensorExtension extension, long samples, Shape shape, double... values) {
        return extension.finish(FakePartial.of(backend, scope, samples, shape, values));
    }
}
