// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Shapes of one sample as the command line names them: {@code 3,224,224}, or {@code NAME=3,224,224}. */
public final class InputShapes {

    private InputShapes() {}

    /**
     * Reads them.
     *
     * @param texts one per input
     * @param inputs the model's inputs; a shape without a name belongs to the only one
     * @param known shapes that the model's file says, of inputs that the texts leave out
     * @throws BackpackException with everything that is wrong
     */
    public static List<Shape> read(List<String> texts, List<String> inputs, Map<String, Shape> known) {
        Problems problems = new Problems();
        Map<String, Shape> shapes = new LinkedHashMap<>();
        for (String text : texts) {
            int equals = text.indexOf('=');
            String name = equals < 0 ? inputs.get(0) : text.substring(0, equals).strip();
            if (!inputs.contains(name) || (equals < 0 && inputs.size() > 1)) {
                problems.add(
                        CommonProblems.INVALID_OPTION,
                        "--input-shape %s names no input of the model, which has %s. Write NAME=3,224,224, once for each."
                                .formatted(text, String.join(", ", inputs)));
            } else if (shapes.containsKey(name)) {
                problems.add(
                        CommonProblems.INVALID_OPTION,
                        "--input-shape is given twice for the input '%s'. Give it once.".formatted(name));
            } else {
                problems.collect(() -> shapes.put(name, shape(text.substring(equals + 1), text)));
            }
        }
        known.forEach(shapes::putIfAbsent);
        List<String> missing =
                inputs.stream().filter(input -> !shapes.containsKey(input)).toList();
        if (problems.isEmpty() && !missing.isEmpty()) {
            problems.add(
                    CommonProblems.INVALID_OPTION,
                    "No shape is known of the input%s %s. Name a data file with --data, or the shape of one sample with --input-shape, such as --input-shape %s3,224,224."
                            .formatted(
                                    missing.size() == 1 ? "" : "s",
                                    String.join(", ", missing),
                                    inputs.size() == 1 ? "" : missing.get(0) + "="));
        }
        problems.throwIfAny();
        return inputs.stream().map(shapes::get).toList();
    }

    private static Shape shape(String sizes, String text) {
        List<Long> numbers = new ArrayList<>();
        for (String size : sizes.isBlank() ? new String[0] : sizes.split(",", -1)) {
            try {
                numbers.add(Long.parseLong(size.strip()));
            } catch (NumberFormatException e) {
                numbers.add(-1L);
            }
        }
        if (numbers.stream().anyMatch(number -> number < 1 || number > Integer.MAX_VALUE)) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--input-shape %s is no shape of one sample. Write sizes of at least 1 with commas between them, such as 3,224,224, without the batch."
                            .formatted(text));
        }
        return Shape.of(numbers.stream().mapToLong(Long::longValue).toArray());
    }
}
