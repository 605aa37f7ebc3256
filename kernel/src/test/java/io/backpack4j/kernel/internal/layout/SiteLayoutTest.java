// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.kernel.Request;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Which accumulated results follow from others. */
class SiteLayoutTest {

    private static final Signal ROOT = new LossHessianRoot();

    private record Wanting() implements TensorExtension {

        @Override
        public String resultName() {
            return "wanted";
        }

        @Override
        public void declare(int stage, SiteDeclaration site) {
            throw new UnsupportedOperationException("is declared already");
        }

        @Override
        public Tensor finish(SitePartial partial) {
            throw new UnsupportedOperationException("is not finished");
        }
    }

    private static AccumulatorKey key(int stage, Signal signal, Contraction contraction) {
        return new AccumulatorKey(stage, signal, contraction);
    }

    private static SiteLayout site(List<AccumulatorKey> accumulated, AccumulatorKey... wanted) {
        Map<String, AccumulatorKey> byName = new LinkedHashMap<>();
        Arrays.stream(wanted).forEach(key -> byName.put("key " + byName.size(), key));
        var request = new SiteRequest(
                Request.of(new Wanting()),
                byName,
                Map.of(),
                Map.of(),
                Map.of(),
                Map.of(),
                Map.of(),
                Map.of(),
                Map.of(),
                false);
        return new SiteLayout(0, "weight", Shape.of(2, 3), Optional.empty(), List.of(), List.of(request), accumulated);
    }

    @Test
    void a_trace_is_the_sum_of_a_diagonal_of_its_own_signal_and_stage() {
        AccumulatorKey diagonal = key(1, ROOT, new Contraction.SumOfSquares());
        AccumulatorKey trace = key(1, ROOT, new Contraction.Trace());
        AccumulatorKey later = key(2, ROOT, new Contraction.Trace());
        AccumulatorKey ofGradient = key(1, new LossGradient(), new Contraction.Trace());
        SiteLayout site = site(List.of(diagonal), diagonal, trace);

        assertThat(site.source(trace)).isEqualTo(diagonal);
        assertThat(trace.condensed(diagonal)).isPresent();
        assertThat(List.of(later, ofGradient)).allMatch(key -> site.source(key).equals(key));
    }

    @Test
    void a_trace_alone_is_accumulated_itself() {
        AccumulatorKey trace = key(1, ROOT, new Contraction.Trace());

        assertThat(site(List.of(trace), trace).source(trace)).isEqualTo(trace);
        assertThat(trace.condensed(trace)).isEmpty();
    }

    @Test
    void a_centred_norm_comes_of_moments_which_it_replaces_where_nobody_wants_them() {
        AccumulatorKey moments = key(1, ROOT, new Contraction.Moments());
        AccumulatorKey norm = key(1, ROOT, new Contraction.CentredSquaredNorm());

        assertThat(site(List.of(moments), norm).source(norm)).isEqualTo(moments);
        assertThat(site(List.of(moments), norm).condensed(moments)).contains(norm);
        assertThat(site(List.of(moments), norm, moments).condensed(moments)).isEmpty();
    }
}
