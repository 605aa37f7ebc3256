// SPDX-License-Identifier: Apache-2.0
import io.backpack4j.cli.files.ImageShapes;
import io.backpack4j.cli.files.ShippedDigits;
import io.backpack4j.formats.IdxFile;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.influence.Influence;
import io.backpack4j.influence.LabelAudit;
import io.backpack4j.influence.LabelScore;
import io.backpack4j.influence.LabelScores;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.optimizer.Adam;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * How well scores find wrong labels: 5 % of the 6,000 shipped digits get another label, a network is trained on them
 * for 5 epochs, and the 5 % that are most suspicious by each score are looked at. Prints a line per seed and score: the
 * share of these whose labels are indeed wrong.
 *
 * <p>Arguments: the model file, the number of seeds, the number of threads.
 */
public final class Labels {

    private static final int SAMPLES = 6000;
    private static final int FLIPPED = SAMPLES / 20;
    private static final int CLASSES = 10;
    private static final int EPOCHS = 5;
    private static final int BATCH = 64;
    private static final int AT_ONCE = 250;
    private static final double LEARNING_RATE = 2e-3;
    private static final double DAMPING = 1e-3;
    private static final double OTHER_DAMPING = 1e-1;

    private Labels() {}

    public static void main(String[] arguments) {
        ModelDescription description = ModelFile.read(Path.of(arguments[0]));
        int seeds = Integer.parseInt(arguments[1]);
        Map<String, double[]> precisions = new LinkedHashMap<>();
        try (BackPack backpack = BackPack.builder()
                .threads(Integer.parseInt(arguments[2]))
                .build()) {
            Shape sample = ImageShapes.taken(backpack, description, Shape.of(28, 28));
            for (int seed = 0; seed < seeds; seed++) {
                int column = seed;
                ofSeed(backpack, description, sample, seed)
                        .forEach((name, precision) ->
                                precisions.computeIfAbsent(name, key -> new double[seeds])[column] = precision);
            }
        }
        precisions.forEach((name, all) -> System.out.printf(
                Locale.ROOT, "| %s | %.3f | %s |%n", name, Arrays.stream(all).average().orElseThrow(), list(all)));
    }

    private static String list(double[] all) {
        return String.join(", ", Arrays.stream(all)
                .mapToObj(one -> String.format(Locale.ROOT, "%.3f", one))
                .toList());
    }

    private static Map<String, Double> ofSeed(
            BackPack backpack, ModelDescription description, Shape sample, long seed) {
        boolean[] wrong = new boolean[SAMPLES];
        ArraySource data = flipped(sample, new Random(seed), wrong);
        Map<String, Double> precisions = new LinkedHashMap<>();
        CurvatureExtension<?> curvature =
                (CurvatureExtension<?>) backpack.catalog().extension("KFAC", Map.of());
        try (Model model = backpack.model(description, DType.FLOAT32, sample)) {
            model.parameters().initialize(seed);
            Trainer.builder(backpack, model)
                    .optimizer(new Adam(LEARNING_RATE))
                    .batch(BATCH)
                    .epochs(EPOCHS)
                    .seed(seed)
                    .build()
                    .fit(data);
            LabelScores scores = LabelAudit.scores(backpack, model, curvature, DAMPING, data, AT_ONCE);
            for (LabelScore score : LabelScore.values()) {
                report(precisions, seed, score.name(), precision(scores.order(score), wrong));
            }
            try (Influence influence = Influence.of(backpack, model, curvature, OTHER_DAMPING, data, AT_ONCE)) {
                double[] values = influence.selfInfluence();
                int[] order = IntStream.range(0, SAMPLES)
                        .boxed()
                        .sorted(Comparator.comparingDouble(n -> -values[n]))
                        .mapToInt(Integer::intValue)
                        .toArray();
                report(precisions, seed, "SELF_INFLUENCE, damping " + OTHER_DAMPING, precision(order, wrong));
            }
        }
        return precisions;
    }

    private static void report(Map<String, Double> precisions, long seed, String name, double precision) {
        precisions.put(name, precision);
        System.out.printf(Locale.ROOT, "seed %d: %s %.3f%n", seed, name, precision);
    }

    private static double precision(int[] order, boolean[] wrong) {
        return Arrays.stream(order).limit(FLIPPED).filter(n -> wrong[n]).count() / (double) FLIPPED;
    }

    /** The digits as training takes them, some with one of the nine other labels. */
    private static ArraySource flipped(Shape sample, Random random, boolean[] wrong) {
        IdxFile images = ShippedDigits.images();
        IdxFile labels = ShippedDigits.labels();
        float[] pixels = new float[SAMPLES * (int) sample.elements()];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (float) ((images.value(i) / 255.0 - 0.1307) / 0.3081);
        }
        long[] given = new long[SAMPLES];
        Arrays.setAll(given, labels::value);
        for (int flips = 0; flips < FLIPPED; ) {
            int n = random.nextInt(SAMPLES);
            if (!wrong[n]) {
                wrong[n] = true;
                given[n] = (given[n] + 1 + random.nextInt(CLASSES - 1)) % CLASSES;
                flips++;
            }
        }
        return ArraySource.of(sample, pixels, given);
    }
}
