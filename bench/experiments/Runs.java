// SPDX-License-Identifier: Apache-2.0
import io.backpack4j.cli.files.ImageShapes;
import io.backpack4j.cli.files.ShippedDigits;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.EpochResult;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.TrainingListener;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.Normalization;
import io.backpack4j.training.data.NormalizedSource;
import io.backpack4j.training.data.ReshapedSource;
import io.backpack4j.training.data.Subset;
import io.backpack4j.training.files.DataSets;
import io.backpack4j.training.files.IdxSource;
import io.backpack4j.training.files.TrainingExpressions;
import io.backpack4j.training.metric.Accuracy;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Trains again and again in one JVM, which is warm after the first run. Reads a line per run, {@code batch, epochs,
 * seed, optimiser} with tabs between them; prints a line per epoch, then {@code done} or what went wrong.
 *
 * <p>Arguments: the model file, and optionally training and held-out images, each as {@code IMAGES,LABELS}; the shipped
 * digits otherwise, of which the last 1,000 are held out.
 */
public final class Runs {

    private static final int HELD_OUT = 1000;

    private Runs() {}

    public static void main(String[] arguments) throws IOException {
        ModelDescription description = ModelFile.read(Path.of(arguments[0]));
        try (BackPack backpack = BackPack.create()) {
            IdxSource digits = new IdxSource(ShippedDigits.images(), ShippedDigits.labels());
            boolean shipped = arguments.length < 3;
            DataSource training = shipped
                    ? new Subset(digits, 0, digits.samples() - HELD_OUT)
                    : DataSets.open(arguments[1], description.inputs()).source();
            DataSource heldOut = shipped
                    ? new Subset(digits, digits.samples() - HELD_OUT, digits.samples())
                    : DataSets.open(arguments[2], description.inputs()).source();
            Normalization normalization =
                    shipped ? Normalization.of(1.0 / 255, 0.1307, 0.3081) : Normalization.of(1.0 / 255, 0.2860, 0.3530);
            Shape sample = ImageShapes.taken(backpack, description, Shape.of(28, 28));
            training = new ReshapedSource(new NormalizedSource(training, normalization), sample);
            heldOut = new ReshapedSource(new NormalizedSource(heldOut, normalization), sample);
            BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split("\t");
                try {
                    run(backpack, description, sample, training, heldOut, words);
                    System.out.println("done");
                } catch (BackpackException e) {
                    System.out.println("failed: " + e.getMessage().replace('\n', ' '));
                }
            }
        }
    }

    private static void run(
            BackPack backpack,
            ModelDescription description,
            Shape sample,
            DataSource training,
            DataSource heldOut,
            String[] words) {
        long seed = Long.parseLong(words[2]);
        try (Model model = backpack.model(description, DType.FLOAT32, sample)) {
            model.parameters().initialize(seed);
            long start = System.nanoTime();
            Trainer.builder(backpack, model)
                    .optimizer(TrainingExpressions.optimizer(backpack.catalog(), words[3]))
                    .batch(Integer.parseInt(words[0]))
                    .epochs(Long.parseLong(words[1]))
                    .seed(seed)
                    .metric(new Accuracy())
                    .validation(heldOut)
                    .listener(new TrainingListener() {
                        @Override
                        public void onEpoch(EpochResult result) {
                            System.out.println(String.format(
                                    Locale.ROOT,
                                    "{\"epoch\": %d, \"steps\": %d, \"seconds\": %.4f, \"loss\": %.6g, \"accuracy\": %.5f,"
                                            + " \"held-out_loss\": %.6g, \"held-out_accuracy\": %.5f}",
                                    result.epoch(),
                                    result.step(),
                                    (System.nanoTime() - start) / 1e9,
                                    result.values().get("train_loss"),
                                    result.values().get("train_accuracy"),
                                    result.values().get("valid_loss"),
                                    result.values().get("valid_accuracy")));
                        }
                    })
                    .build()
                    .fit(training);
        }
    }
}
