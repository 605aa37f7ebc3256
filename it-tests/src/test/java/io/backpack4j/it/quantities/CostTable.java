// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import io.backpack4j.cli.files.ShippedModels;
import io.backpack4j.formats.ExtensionExpression;
import io.backpack4j.formats.ExtensionExpressions;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Cost;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.backend.MemoryAccount;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Writes what passes cost beside what plans say, as a table in Markdown: {@code CostTable 2 'gradient;KFAC'
 * vgg11,@2c2d:32}. The arguments are the seconds per row, the requests, and architectures of the fixtures or, behind an
 * {@code @}, networks of {@code bench} with a batch size. For a quiet machine, so no test.
 */
final class CostTable {

    private static final long ANY_BYTES = 1L << 60;

    private final BackPack backpack;
    private final double secondsPerRow;
    private int rows;
    private int outside;

    private CostTable(BackPack backpack, double secondsPerRow) {
        this.backpack = backpack;
        this.secondsPerRow = secondsPerRow;
    }

    public static void main(String[] arguments) {
        try (BackPack backpack = BackPack.builder().backend("cpu").build()) {
            CostTable table = new CostTable(backpack, Double.parseDouble(arguments[0]));
            System.out.println(
                    "| network | request | predicted ms | measured ms | ratio | predicted MiB | measured MiB | ratio |");
            System.out.println("|---|---|---|---|---|---|---|---|");
            for (String name : arguments[2].split(",")) {
                table.network(name, arguments[1].split(";"));
            }
            System.out.printf(Locale.ROOT, "%n%d of %d times beyond a factor of two%n", table.outside, table.rows);
        }
    }

    private void network(String name, String... requests) {
        if (name.startsWith("@")) {
            String[] parts = name.substring(1).split(":");
            boolean colored = parts[0].equals("3c3d") || parts[0].equals("allcnnc");
            Shape sample = colored ? Shape.of(3, 32, 32) : Shape.of(1, 28, 28);
            int samples = Integer.parseInt(parts[1]);
            try (Model model = backpack.model(ShippedModels.read(parts[0]), DType.FLOAT32, sample);
                    Batch batch = backpack.batch(DType.FLOAT32)
                            .input(
                                    Graph.INPUT,
                                    sample.prepend(samples),
                                    CounterNumbers.uniform("input", (int) sample.elements() * samples))
                            .targets(Shape.of(samples), CounterNumbers.integers("target", samples, 10))
                            .build()) {
                rows(name.substring(1), model, batch, requests);
            }
        } else {
            Architecture architecture = Architecture.read(name);
            try (Model model = architecture.model(backpack, DType.FLOAT32);
                    Batch batch = architecture.batch(backpack, DType.FLOAT32)) {
                rows(name, model, batch, requests);
            }
        }
    }

    private void rows(String name, Model model, Batch batch, String... texts) {
        for (String text : texts) {
            List<Request<?>> requests = new ArrayList<>();
            for (ExtensionExpression expression :
                    text.equals("gradient") ? List.<ExtensionExpression>of() : ExtensionExpressions.parse(text)) {
                Request<?> request = backpack.catalog().request(expression.type(), expression.options());
                requests.add(name.equals("gpt") && text.startsWith("KFAC") ? request.only("blocks.*") : request);
            }
            Plan plan = backpack.plan(model, batch, requests, PassOptions.DEFAULT);
            Cost cost = plan.cost(batch);
            double seconds = least(plan, batch);
            long peak;
            try (MemoryAccount account =
                            backpack.backend().openAccount(ANY_BYTES, ANY_BYTES).orElseThrow();
                    Results results = plan.run(batch)) {
                results.loss();
                peak = account.peakBytes();
            }
            double ratio = cost.seconds() / seconds;
            rows++;
            outside += ratio < 0.5 || ratio > 2 ? 1 : 0;
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %s | %.3f | %.3f | %.2f | %.2f | %.2f | %.3f |%n",
                    name,
                    text,
                    1e3 * cost.seconds(),
                    1e3 * seconds,
                    ratio,
                    cost.peakBytes() / 1048576.0,
                    peak / 1048576.0,
                    cost.peakBytes() / (double) peak);
        }
    }

    /** The least time of a run: others can only add to it. Half of the time warms up. */
    private double least(Plan plan, Batch batch) {
        double least = Double.POSITIVE_INFINITY;
        long start = System.nanoTime();
        long half = (long) (secondsPerRow / 2 * 1e9);
        do {
            long from = System.nanoTime();
            try (Results results = plan.run(batch)) {
                results.loss();
            }
            if (System.nanoTime() - start > half) {
                least = Math.min(least, (System.nanoTime() - from) * 1e-9);
            }
        } while (System.nanoTime() - start < 2 * half || least == Double.POSITIVE_INFINITY);
        return least;
    }
}
