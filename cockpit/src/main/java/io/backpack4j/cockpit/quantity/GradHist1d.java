// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.extension.Extension;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A histogram of all elements of all g_n. What lies beyond the range counts in the outer bins, NaN in none but in the
 * details.
 */
final class GradHist1d implements SingleStepQuantity {

    private static final int MOST_BINS = 100_000;

    private final GradientHistogram histogram;
    private final Optional<BinAdaptation> adaptation;
    private Range range;

    GradHist1d(String label, Arguments options) {
        this.histogram = new GradientHistogram(Options.count(options, "bins", 100, MOST_BINS), 0, "histogram-" + label);
        this.range = options.has("range") ? Options.range(options, "range", options.list("range")) : new Range(-2, 2);
        this.adaptation = options.has("adapt")
                ? BinAdaptation.of(java.util.Objects.requireNonNull(options.value("adapt")))
                : Optional.empty();
    }

    @Override
    public List<Extension<?>> extensions(long step, boolean due) {
        List<Extension<?>> extensions = new ArrayList<>();
        if (due) {
            extensions.add(histogram);
        }
        adaptation.ifPresent(own -> extensions.addAll(own.extensions(step)));
        return extensions;
    }

    @Override
    public Map<String, NetworkOperand> operands(double sampleScale) {
        Range unscaled = range.times(1 / sampleScale);
        return Map.of(
                histogram.operand(),
                new NetworkOperand(histogram.range(), new double[] {unscaled.low(), unscaled.high()}));
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        long[] counts = new long[histogram.bins() + 1];
        for (String parameter : parameters) {
            long[] own = step.get(histogram, parameter).toLongArray();
            for (int i = 0; i < counts.length; i++) {
                counts[i] += own[i];
            }
        }
        List<Long> inBins = new ArrayList<>();
        for (int i = 0; i < histogram.bins(); i++) {
            inBins.add(counts[i]);
        }
        long nan = counts[histogram.bins()];
        return new Measurement(
                new Value.Histogram(inBins, range.rounded(step.model().dtype()).edges(histogram.bins())),
                nan == 0 ? Map.of() : Map.of("nan", nan));
    }

    @Override
    public Map<String, double[]> state() {
        return Map.of("range", range.state());
    }

    @Override
    public void restore(Map<String, double[]> state) {
        range = Range.of(state.get("range"), range);
    }

    @Override
    public void keep(Observation step, List<String> parameters) {
        adaptation.ifPresent(own -> range = own.next(step, parameters, range));
    }
}
