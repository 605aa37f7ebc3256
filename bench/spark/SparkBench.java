// SPDX-License-Identifier: Apache-2.0

import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.DiagGGNMC;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.SampleIds;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spark.BackPackSpark;
import io.backpack4j.spark.SampleColumns;
import io.backpack4j.spark.SparkModel;
import io.backpack4j.spark.SparkOptions;
import io.backpack4j.spark.SparkResults;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;

/**
 * Variance, DiagGGNMC and KFAC of a table of 100 features: a session of this process over a file of floats, and Spark
 * over Parquet with the same numbers.
 *
 * <pre>{@code
 * SparkBench FOLDER ROWS local THREADS | spark MASTER
 * }</pre>
 */
public final class SparkBench {

    private static final int FEATURES = 100;
    private static final int CLASSES = 10;
    private static final int BATCH = 4096;
    private static final int ROUNDS = 3;

    private static final List<Request<?>> REQUESTS =
            List.of(Request.of(new Variance()), Request.of(new DiagGGNMC(1)), Request.of(new KFAC(1)));

    private SparkBench() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        long rows = Long.parseLong(arguments[1]);
        if (arguments[2].equals("local")) {
            local(floats(folder, rows), rows, Integer.parseInt(arguments[3]));
        } else {
            spark(folder, rows, arguments[3]);
        }
    }

    private static Model model(BackPack backpack, boolean mlp) {
        Graph graph = mlp
                ? Graph.sequential(new Linear(FEATURES, 64), new ReLU(), new Linear(64, CLASSES))
                : Graph.sequential(new Linear(FEATURES, CLASSES));
        Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(FEATURES));
        model.parameters().initialize(0);
        return model;
    }

    /** A number of a row, from -1 to 1, the same in SQL. */
    private static float feature(long row, int feature) {
        return (float) ((row * 7919 + (feature + 1) * 104729L * (row % 1009 + 1)) % 2000003) / 1000001.5f - 1;
    }

    private static Path floats(Path folder, long rows) throws IOException {
        Path file = folder.resolve(rows + ".floats");
        if (Files.exists(file) && Files.size(file) == rows * FEATURES * Float.BYTES) {
            return file;
        }
        Files.createDirectories(folder);
        try (FileChannel out =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            ByteBuffer bytes = ByteBuffer.allocateDirect(BATCH * FEATURES * Float.BYTES).order(ByteOrder.nativeOrder());
            for (long from = 0; from < rows; from += BATCH) {
                bytes.clear();
                for (long row = from; row < Math.min(rows, from + BATCH); row++) {
                    for (int feature = 0; feature < FEATURES; feature++) {
                        bytes.putFloat(feature(row, feature));
                    }
                }
                bytes.flip();
                while (bytes.hasRemaining()) {
                    out.write(bytes);
                }
            }
        }
        return file;
    }

    private static void local(Path file, long rows, int threads) throws IOException {
        SessionOptions options = SessionOptions.DEFAULT.ids(SampleIds.NONE).perSample(PerSample.DROP);
        try (BackPack backpack = BackPack.builder().threads(threads).build()) {
            for (boolean mlp : new boolean[] {false, true}) {
                try (Model model = model(backpack, mlp)) {
                    for (int round = 0; round < ROUNDS; round++) {
                        Clock clock = new Clock();
                        double loss = session(backpack, model, options, file, rows);
                        clock.print("session, %d threads".formatted(threads), mlp, round, loss);
                    }
                }
            }
        }
    }

    private static double session(BackPack backpack, Model model, SessionOptions options, Path file, long rows)
            throws IOException {
        float[] inputs = new float[BATCH * FEATURES];
        ByteBuffer bytes = ByteBuffer.allocateDirect(inputs.length * Float.BYTES).order(ByteOrder.nativeOrder());
        try (FileChannel in = FileChannel.open(file);
                Session session = backpack.session(model, REQUESTS, options)) {
            for (long from = 0; from < rows; from += BATCH) {
                int count = (int) Math.min(BATCH, rows - from);
                bytes.clear().limit(count * FEATURES * Float.BYTES);
                while (bytes.hasRemaining() && in.read(bytes) >= 0) {
                    // reads on
                }
                bytes.flip();
                float[] some = count == BATCH ? inputs : new float[count * FEATURES];
                bytes.asFloatBuffer().get(some);
                long[] labels = new long[count];
                long[] ids = new long[count];
                for (int i = 0; i < count; i++) {
                    ids[i] = from + i;
                    labels[i] = ids[i] % CLASSES;
                }
                try (Batch batch = backpack.batch(DType.FLOAT32)
                        .input(Graph.INPUT, Shape.of(count, FEATURES), some)
                        .targets(Shape.of(count), labels)
                        .sampleIds(ids)
                        .build()) {
                    session.add(batch);
                }
            }
            try (Results results = session.results()) {
                return results.loss();
            }
        }
    }

    private static void spark(Path folder, long rows, String master) {
        SparkSession spark = SparkSession.builder()
                .master(master)
                .config("spark.ui.enabled", "false")
                .config("spark.driver.host", "127.0.0.1")
                .getOrCreate();
        spark.sparkContext().setLogLevel("ERROR");
        String table = folder.resolve(rows + ".parquet").toString();
        if (!Files.exists(Path.of(table, "_SUCCESS"))) {
            StringBuilder features = new StringBuilder();
            for (int feature = 0; feature < FEATURES; feature++) {
                features.append(feature == 0 ? "" : ",")
                        .append("float(float((id * 7919 + %dL * (id %% 1009 + 1)) %% 2000003) / float(1000001.5) - 1)"
                                .formatted((feature + 1) * 104729L));
            }
            spark.range(rows)
                    .repartition(8)
                    .selectExpr("id", "array(" + features + ") as features", "int(id % 10) as label")
                    .write()
                    .mode(SaveMode.Overwrite)
                    .parquet(table);
        }
        Dataset<Row> data = spark.read().parquet(table);
        SampleColumns columns = SampleColumns.of("features").target("label").id("id");
        for (boolean mlp : new boolean[] {false, true}) {
            SparkModel sent;
            try (BackPack backpack = BackPack.create();
                    Model model = model(backpack, mlp)) {
                sent = SparkModel.of(model);
            }
            for (int round = 0; round < ROUNDS; round++) {
                Clock clock = new Clock();
                try (SparkResults evaluated =
                                BackPackSpark.evaluate(data, columns, sent, REQUESTS, SparkOptions.DEFAULT.batch(BATCH));
                        Results results = evaluated.results()) {
                    clock.print("Spark " + master, mlp, round, results.loss());
                }
            }
        }
        spark.stop();
    }

    /** Time since it was made, of the wall and of all processors. */
    private static final class Clock {

        private final long wall = System.nanoTime();
        private final long processors = processors();

        private static long processors() {
            return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                    .getProcessCpuTime();
        }

        private void print(String who, boolean mlp, int round, double loss) {
            System.out.printf(
                    Locale.ROOT,
                    "%-20s %-20s round %d: %8.2f s, processors %8.2f s, loss %.6f%n",
                    who,
                    mlp ? "MLP 100-64-10" : "logistic regression",
                    round,
                    (System.nanoTime() - wall) / 1e9,
                    (processors() - processors) / 1e9,
                    loss);
        }
    }
}
