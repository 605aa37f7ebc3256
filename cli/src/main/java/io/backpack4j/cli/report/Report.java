// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One run as data: what the page shows.
 *
 * @param summary what was done, in a sentence
 * @param facts what was run on what
 * @param images the weight that sees the pixels, if there is one
 * @param imagesNote says why there are no images, or what they show
 * @param norms the norms of individual gradients, if they were computed
 * @param normsNote says why there are no norms, or what they are
 * @param surprises the characters of a text, if the model predicts some
 * @param curvature how the loss bends
 * @param quantities the tensors that were computed
 * @param timings how long passes took
 * @param notes what was left out
 */
public record Report(
        String summary,
        List<Fact> facts,
        @Nullable WeightImages images,
        String imagesNote,
        @Nullable SampleNorms norms,
        String normsNote,
        @Nullable Surprises surprises,
        Curvature curvature,
        List<Quantity> quantities,
        List<Timing> timings,
        List<String> notes) {

    public Report {
        facts = List.copyOf(facts);
        quantities = List.copyOf(quantities);
        timings = List.copyOf(timings);
        notes = List.copyOf(notes);
    }

    /**
     * A name and a value.
     *
     * @param name the name
     * @param value the value
     */
    public record Fact(String name, String value) {}

    /**
     * A tensor in some numbers.
     *
     * @param parameter the parameter's full name
     * @param quantity the quantity's name
     * @param shape its shape
     * @param min the least element
     * @param mean their mean
     * @param max the greatest element
     * @param norm the square root of the sum of squares
     */
    public record Quantity(
            String parameter, String quantity, String shape, double min, double mean, double max, double norm) {}

    /**
     * How long a pass took, in milliseconds.
     *
     * @param pass what was computed
     * @param median the middle of the measured times
     * @param min the shortest
     * @param max the longest
     */
    public record Timing(String pass, double median, double min, double max) {}
}
