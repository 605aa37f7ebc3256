// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.module.Module;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Convolutions and transposed ones against plain loops. */
class ConvolutionsTest {

    /** A type, its arguments and the shape of a batch: BackPACK's tests of single layers. */
    record Configuration(String type, String arguments, List<Integer> batch) {

        @Override
        public String toString() {
            return type + "(" + arguments + ") of " + batch;
        }
    }

    /** in, out, kernel, then p(adding) s(tride) d(ilation) g(roups) nb (no bias); batches behind the bar. */
    static Stream<Configuration> backpacksTests() {
        return Stream.of(
                of("Conv1d", "3 9 2 p1 g3 nb", 3, 3, 7),
                of("Conv1d", "6 9 2 p1 g3 nb", 3, 6, 7),
                of("Conv1d", "4 8 2 p1 g4 nb", 3, 4, 7),
                of("Conv1d", "2 3 2 p1 nb", 3, 2, 7),
                of("Conv1d", "3 6 2 p2 s4 d3", 1, 3, 8),
                of("Conv1d", "3 6 2 p2 s4 d3 g3", 1, 3, 8),
                of("Conv1d", "2 3 2 p1", 3, 2, 11),
                of("Conv1d", "2 3 2 d2", 3, 2, 7),
                of("Conv1d", "4 6 2 d2 g2", 3, 4, 7),
                of("Conv1d", "6 9 2 d2 g3", 3, 6, 7),
                of("Conv2d", "2 3 2 p1 s2 d2 nb", 3, 2, 7, 7),
                of("Conv2d", "2 4 2 p1 g2", 3, 2, 7, 7),
                of("Conv2d", "4 4 2 p1 g2", 3, 4, 7, 7),
                of("Conv2d", "6 9 2 p1 g3", 3, 6, 7, 7),
                of("Conv2d", "4 12 2 p1 g4", 3, 4, 7, 7),
                of("Conv2d", "2 4 2 p2 s4 d3 g2", 1, 2, 8, 8),
                of("Conv2d", "3 6 2 p2 s4 d3", 1, 3, 8, 8),
                of("Conv2d", "2 3 2 p1", 3, 2, 7, 7),
                of("Conv2d", "2 3 2 d2", 3, 2, 7, 7),
                of("Conv2d", "4 6 2 d2 g2", 3, 4, 7, 7),
                of("Conv2d", "6 9 2 d2 g3", 3, 6, 7, 7),
                of("Conv3d", "2 4 2 g2", 3, 2, 5, 7, 7),
                of("Conv3d", "3 6 2 g3", 3, 3, 5, 7, 7),
                of("Conv3d", "2 3 2 p2 d2 s2 nb", 3, 2, 5, 7, 7),
                of("Conv3d", "3 6 2 p2 s4", 1, 3, 3, 4, 4),
                of("Conv3d", "2 3 2 p1", 3, 2, 3, 7, 7),
                of("Conv3d", "2 3 2 d2", 3, 2, 3, 7, 7),
                of("Conv3d", "4 6 2 d2 g2", 3, 4, 3, 7, 7),
                of("Conv3d", "6 9 2 d2 g3", 3, 6, 3, 7, 7),
                of("ConvTranspose1d", "2 3 2 p1 nb", 3, 2, 7),
                of("ConvTranspose1d", "3 6 2 p2 s4 d3", 1, 3, 8),
                of("ConvTranspose1d", "2 3 2 p1", 3, 2, 11),
                of("ConvTranspose1d", "2 3 2 s3 d5", 3, 2, 20),
                of("ConvTranspose1d", "6 9 2 d2 g3", 3, 6, 7),
                of("ConvTranspose1d", "4 6 2 d2 g2", 3, 4, 7),
                of("ConvTranspose2d", "2 3 2 p1 s2 d2 nb", 3, 2, 7, 7),
                of("ConvTranspose2d", "3 6 2 p2 s4 d3", 1, 3, 8, 8),
                of("ConvTranspose2d", "2 3 2 p1", 3, 2, 7, 7),
                of("ConvTranspose2d", "2 4 2 d2", 3, 2, 9, 9),
                of("ConvTranspose2d", "6 9 2 d2 g3", 3, 6, 7, 7),
                of("ConvTranspose2d", "4 6 2 d2 g2", 3, 4, 7, 7),
                of("ConvTranspose3d", "2 3 2 p2 d2 s2 nb", 3, 2, 5, 7, 7),
                of("ConvTranspose3d", "3 6 2 p2 s4", 1, 3, 3, 4, 4),
                of("ConvTranspose3d", "2 3 2 p1", 3, 2, 3, 7, 7),
                of("ConvTranspose3d", "2 4 2 d2", 1, 2, 5, 9, 9),
                of("ConvTranspose3d", "6 9 2 d2 g3", 3, 6, 3, 4, 4),
                of("ConvTranspose3d", "4 6 2 d2 g2", 3, 4, 3, 7, 7));
    }

    /** An old bug of BackPACK's: strides that leave a rest of the input unused. */
    static Stream<Configuration> unusedRests() {
        return Stream.of(1, 3)
                .flatMap(stride -> Stream.of(0, 2)
                        .flatMap(padding -> Stream.of(1, 2)
                                .map(dilation -> of(
                                        "Conv2d",
                                        "4 6 3 s%d p%d d%d".formatted(stride, padding, dilation),
                                        4,
                                        4,
                                        6,
                                        6))));
    }

    private static Configuration of(String type, String arguments, Integer... batch) {
        return new Configuration(type, arguments, List.of(batch));
    }

    @ParameterizedTest
    @MethodSource({"backpacksTests", "unusedRests"})
    void agreeWithLoops(Configuration configuration) {
        String[] words = configuration.arguments.split(" ");
        int axes = configuration.batch.size() - 2;
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("in_channels", Integer.valueOf(words[0]));
        arguments.put("out_channels", Integer.valueOf(words[1]));
        arguments.put("kernel_size", Integer.valueOf(words[2]));
        for (String word : List.of(words).subList(3, words.length)) {
            switch (word.charAt(0)) {
                case 'p' -> arguments.put("padding", Integer.valueOf(word.substring(1)));
                case 's' -> arguments.put("stride", Integer.valueOf(word.substring(1)));
                case 'd' -> arguments.put("dilation", Integer.valueOf(word.substring(1)));
                case 'g' -> arguments.put("groups", Integer.valueOf(word.substring(1)));
                default -> arguments.put("bias", false);
            }
        }
        int[] sample = configuration.batch.stream().skip(1).mapToInt(it -> it).toArray();
        NaiveConvolution naive = naive(configuration.type, arguments, sample, axes);
        Module module = Types.create(configuration.type, flat(arguments));
        Random random = Randomness.of(configuration.toString());
        ConvolutionChecks.run(naive, module, configuration.batch.get(0), random, 2);
    }

    private static Object[] flat(Map<String, Object> arguments) {
        List<Object> flat = new ArrayList<>();
        arguments.forEach((name, value) -> flat.addAll(List.of(name, value)));
        return flat.toArray();
    }

    private static NaiveConvolution naive(String type, Map<String, Object> arguments, int[] sample, int axes) {
        int[] padding = each(arguments, "padding", 0, axes);
        return new NaiveConvolution(
                sample,
                (Integer) arguments.get("out_channels"),
                each(arguments, "kernel_size", 1, axes),
                each(arguments, "stride", 1, axes),
                padding,
                padding,
                each(arguments, "dilation", 1, axes),
                each(arguments, "output_padding", 0, axes),
                (Integer) arguments.getOrDefault("groups", 1),
                type.startsWith("ConvTranspose"));
    }

    private static int[] each(Map<String, Object> arguments, String name, int otherwise, int axes) {
        Object value = arguments.getOrDefault(name, otherwise);
        return value instanceof List<?> list
                ? list.stream().mapToInt(it -> (Integer) it).toArray()
                : IntStream.generate(() -> (Integer) value).limit(axes).toArray();
    }

    @RepeatedTest(300)
    void agreeWithLoopsAtRandom(RepetitionInfo repetition) {
        Random random = Randomness.of("convolutions " + repetition.getCurrentRepetition());
        boolean transposed = random.nextInt(3) == 0;
        int axes = 1 + random.nextInt(3);
        int most = axes == 1 ? 10 : axes == 2 ? 6 : 4;
        int groups = 1 + random.nextInt(3);
        Map<String, Object> arguments = new LinkedHashMap<>();
        int in = groups * (1 + random.nextInt(3));
        arguments.put("in_channels", in);
        arguments.put("out_channels", groups * (1 + random.nextInt(3)));
        arguments.put("groups", groups);
        arguments.put("bias", random.nextBoolean());
        arguments.put("kernel_size", draw(random, axes, 1, 3));
        arguments.put("stride", draw(random, axes, 1, 3));
        arguments.put("padding", draw(random, axes, 0, 2));
        arguments.put("dilation", draw(random, axes, 1, 3));
        int[] sample = new int[axes + 1];
        sample[0] = in;
        for (int axis = 0; axis < axes; axis++) {
            sample[axis + 1] = 1 + random.nextInt(most);
        }
        if (transposed) {
            List<Integer> outputPadding = new ArrayList<>();
            for (int axis = 0; axis < axes; axis++) {
                int bound =
                        Math.max(each(arguments, "stride", 1, axes)[axis], each(arguments, "dilation", 1, axes)[axis]);
                outputPadding.add(random.nextInt(bound));
            }
            arguments.put("output_padding", outputPadding);
        }
        String type = (transposed ? "ConvTranspose" : "Conv") + axes + "d";
        NaiveConvolution naive = naive(type, arguments, sample, axes);
        Module module = Types.create(type, flat(arguments));
        if (Arrays.stream(naive.out()).anyMatch(size -> size < 1)) {
            assertThatThrownBy(() -> module.declare(List.of(ConvolutionChecks.shape(sample))))
                    .hasMessageStartingWith("[ShapeMismatch] " + type)
                    .hasMessageContaining(Arrays.toString(sample))
                    .hasMessageContaining("Possible are");
        } else {
            ConvolutionChecks.run(naive, module, 1 + random.nextInt(4), random, 1 + random.nextInt(3));
        }
    }

    private static List<Integer> draw(Random random, int axes, int least, int most) {
        return random.ints(axes, least, most + 1).boxed().toList();
    }

    @ParameterizedTest
    @CsvSource({"1,1", "2,1", "3,1", "4,1", "2,3", "3,2", "4,3", "5,2"})
    void sameKeepsSizes(int kernel, int dilation) {
        int total = dilation * (kernel - 1);
        int[] before = {total / 2, total / 2};
        int[] behind = {total - total / 2, total - total / 2};
        int[] ones = {1, 1};
        NaiveConvolution naive = new NaiveConvolution(
                new int[] {2, 4, 5},
                3,
                new int[] {kernel, kernel},
                ones,
                before,
                behind,
                new int[] {dilation, dilation},
                new int[2],
                1,
                false);
        Module module = Types.create(
                "Conv2d",
                "in_channels",
                2,
                "out_channels",
                3,
                "kernel_size",
                kernel,
                "dilation",
                dilation,
                "padding",
                "same");
        ConvolutionChecks.run(naive, module, 2, Randomness.of("same"), 2);
    }

    @Test
    void deepWeightsPreferInnerProductsOfPositions() {
        int[] ones = {1, 1};
        int[] none = {0, 0};
        for (boolean transposed : List.of(false, true)) {
            int[] kernel = {2, 2};
            NaiveConvolution naive = new NaiveConvolution(
                    new int[] {8, 2, 2}, 12, kernel, new int[] {2, 2}, none, none, ones, none, 2, transposed);
            Conv conv = Conv.of(2, 8, 12, 2).withStride(2).withGroups(2);
            Module module =
                    transposed ? ConvTranspose.of(2, 8, 12, 2).withStride(2).withGroups(2) : conv;
            ConvolutionChecks.run(naive, module, 3, Randomness.of("deep"), 2);
        }
    }
}
