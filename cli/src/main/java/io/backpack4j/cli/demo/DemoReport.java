// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.demo;

import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.files.TextWindows;
import io.backpack4j.cli.report.Curvature;
import io.backpack4j.cli.report.PixelWeight;
import io.backpack4j.cli.report.Pixels;
import io.backpack4j.cli.report.Report;
import io.backpack4j.cli.report.SampleNorms;
import io.backpack4j.cli.report.Surprises;
import io.backpack4j.cli.report.WeightImages;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Makes the demo's report of its results. */
final class DemoReport {

    private final DemoData data;
    private final Results results;
    private final Optional<Pixels> pixels;
    private final Optional<PixelWeight> weight;

    DemoReport(DemoData data, Results results) {
        this.data = data;
        this.results = results;
        Tensor input = data.batch().inputs().values().iterator().next();
        pixels = input.dtype() == DType.INT64
                ? Optional.empty()
                : Pixels.of(input.shape().dropFirst(1));
        weight = pixels.flatMap(size -> PixelWeight.of(data.description(), data.model(), size));
    }

    /**
     * Reads what is shown.
     *
     * @param variance the name of the variances among the results, if they were computed
     * @param squares the name of the squared norms of individual gradients among the results, if they were computed
     * @param curvature how the loss bends
     */
    Report report(
            List<Report.Fact> facts,
            Optional<String> variance,
            Optional<String> squares,
            Curvature curvature,
            List<Report.Timing> timings,
            List<String> leftOut) {
        SampleNorms norms = squares.map(this::norms).orElse(null);
        return new Report(
                "One backward pass over %s gave the gradient, and beside it what each sample has to say. The loss is %s."
                        .formatted(data.about(), Text.number(results.loss())),
                facts,
                weight.map(found -> images(found, variance)).orElse(null),
                imagesNote(variance),
                norms,
                normsNote(norms),
                data.text().map(this::surprises).orElse(null),
                curvature,
                quantities(),
                timings,
                leftOut);
    }

    private Surprises surprises(TextWindows windows) {
        return Surprises.of(texts(windows::input), texts(windows::target), windows.alphabet(), results.output());
    }

    private List<String> texts(IntFunction<String> text) {
        return IntStream.range(0, Math.toIntExact(data.batch().samples()))
                .mapToObj(text)
                .toList();
    }

    /** How the loss bends, for the weight that sees the pixels and for all layers. */
    Curvature curvature(DemoCurvature reader, long seed) {
        return reader.curvature(weight, weight.map(this::word).orElse(""), seed);
    }

    /** The model's layers and loss, in a line. */
    static String describe(ModelDescription description) {
        String nodes = description.nodes().stream().map(DemoReport::describe).collect(Collectors.joining(", "));
        return nodes + ", " + description.loss().type()
                + description.loss().arguments().values().stream()
                        .map(value -> ", " + value)
                        .collect(Collectors.joining());
    }

    private static String describe(NodeDescription node) {
        return node.type()
                + (node.arguments().isEmpty()
                        ? ""
                        : node.arguments().values().stream()
                                .map(String::valueOf)
                                .collect(Collectors.joining(", ", "(", ")")));
    }

    private WeightImages images(PixelWeight found, Optional<String> variance) {
        String parameter = found.parameter();
        Tensor variances = variance.map(name -> results.tensors().get(parameter + "/" + name))
                .orElse(null);
        Tensor values = found.kind() == PixelWeight.Kind.FILTER
                ? data.model().parameters().get(parameter)
                : null;
        return WeightImages.of(found, word(found), values, results.gradient(parameter), variances);
    }

    private String word(PixelWeight found) {
        return switch (found.kind()) {
            case OUTPUT -> data.description().loss().type().equals("CrossEntropyLoss") ? "class" : "unit";
            case UNIT -> "unit";
            case FILTER -> "filter";
        };
    }

    private String imagesNote(Optional<String> variance) {
        if (pixels.isEmpty()) {
            return "The samples are no small grey images, so there is nothing to picture here.";
        }
        if (weight.isEmpty()) {
            return "No linear or convolutional module takes the pixels as they are, so no row of a weight is an image.";
        }
        String parameter = weight.get().parameter();
        boolean filters = weight.get().kind() == PixelWeight.Kind.FILTER;
        long rows = weight.get().rows();
        String which = (rows > WeightImages.MOST
                        ? "the first %d of %d ".formatted(WeightImages.MOST, rows)
                        : "each of its %d ".formatted(rows))
                + (filters ? "filters" : "rows");
        String what = variance.isPresent() ? ", and the variance of individual gradients" : "";
        return filters
                ? "%s slides over the image. Of %s there are the numbers, the gradient of the loss%s. All images of a kind share one scale."
                        .formatted(parameter, which, what)
                : "%s has one number per pixel in %s: the gradient of the loss%s, drawn where the pixel is. All images of a kind share one scale."
                        .formatted(parameter, which, what);
    }

    private @Nullable SampleNorms norms(String name) {
        int count = Math.toIntExact(data.batch().samples());
        double[] sums = new double[count];
        boolean found = false;
        for (String parameter : data.model().parameters().trainable()) {
            Tensor squares = results.tensors().get(parameter + "/" + name);
            if (squares != null && squares.shape().equals(Shape.of(count)) && count > 0) {
                found = true;
                double[] values = squares.toDoubleArray();
                for (int i = 0; i < count; i++) {
                    sums[i] += values[i];
                }
            }
        }
        for (int i = 0; i < count; i++) {
            sums[i] = Math.sqrt(sums[i]);
        }
        Tensor input = data.batch().inputs().values().iterator().next();
        double[] losses = results.lossPerSample().toDoubleArray();
        List<String> texts = data.text().map(windows -> texts(windows::target)).orElse(List.of());
        return found ? SampleNorms.of(sums, losses, data.batch().targets(), input, pixels.orElse(null), texts) : null;
    }

    private static String normsNote(@Nullable SampleNorms norms) {
        return norms == null
                ? "The norms of individual gradients were not computed: --extensions BatchL2Grad does."
                : "The norm of each sample's own gradient, over all parameters, with the factor that the loss gives it."
                        + " A great norm marks a sample that pulls hard at them: the model gets it wrong, or its inputs are large.";
    }

    private List<Report.Quantity> quantities() {
        List<Report.Quantity> quantities = new ArrayList<>();
        results.tensors().forEach((name, tensor) -> {
            int slash = name.indexOf('/');
            if (slash >= 0) {
                TensorSummary summary = TensorSummary.of(tensor);
                quantities.add(new Report.Quantity(
                        name.substring(0, slash),
                        name.substring(slash + 1),
                        tensor.shape().toString(),
                        summary.min(),
                        summary.mean(),
                        summary.max(),
                        summary.norm()));
            }
        });
        return quantities;
    }
}
