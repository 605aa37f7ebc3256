// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Permute;
import io.backpack4j.modules.linear.Sum;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Compositions against the same networks written out: to the last bit, but for what adds over blocks of rows or has
 * terms of two blocks.
 */
class CompositionTest extends ComposedNetworks {

    /** Everything but KFRA, which follows one path. */
    private static final List<String> ANYWHERE = List.of(
            "BatchGrad",
            "BatchGradRows",
            "BatchL2Grad",
            "SumGradSquared",
            "Variance",
            "DiagGGNExact",
            "DiagGGNMC",
            "BatchDiagGGNExact",
            "BatchDiagGGNMC",
            "SqrtGGNExact",
            "SqrtGGNMC",
            "KFAC",
            "KFLR");

    private static final List<String> WHERE_UNTIED = List.of("DiagHessian", "BatchDiagHessian");

    /** Results of the whole network, summed over parameters in their order, or in groups that name parameters. */
    private static final List<String> OF_THE_NETWORK = List.of(
            "ClippedGrad",
            "GgnEigenvalues",
            "GgnEigenvectors",
            "DirectionalDerivatives",
            "DirectionalDampedNewton",
            "GramBatchGrad",
            "CenteredBatchGrad",
            "CenteredGramBatchGrad",
            "GramSqrtGGNExact",
            "GramSqrtGGNMC",
            "Ntk");

    static final List<String> PRODUCTS = List.of("GGNMP", "HMP", "PCHMP");

    /** Numbers and their shape. */
    private record Array(Shape shape, double[] values) {}

    private static Map<String, Array> arrays(Results results) {
        Map<String, Array> arrays = new TreeMap<>();
        results.tensors()
                .forEach((name, tensor) -> arrays.put(name, new Array(tensor.shape(), tensor.toDoubleArray())));
        return arrays;
    }

    private static List<Request<?>> requests(ComposedPair pair, boolean composed, boolean merging) {
        List<Request<?>> requests = new ArrayList<>();
        for (String type : ANYWHERE) {
            if (!merging || !type.startsWith("SqrtGGN")) {
                requests.add(backpack.catalog().request(type, Map.of()));
            }
        }
        for (String type : WHERE_UNTIED) {
            requests.add(backpack.catalog()
                    .request(type, Map.of("parameters", List.of((Object[]) pair.untied(composed)))));
        }
        return requests;
    }

    /** Compares results of the composed network with those of its blocks' in the written-out one. */
    private static void assertSame(
            ComposedPair pair, DType dtype, Map<String, Array> composed, Map<String, Array> written) {
        Set<String> compared = new TreeSet<>();
        composed.forEach((name, array) -> {
            int slash = name.indexOf('/');
            String parameter = slash < 0 ? name : name.substring(0, slash);
            String quantity = slash < 0 ? "" : name.substring(slash);
            List<String> names = pair.blocks(parameter).stream()
                    .map(block -> block + quantity)
                    .toList();
            assertThat(written).as(name).containsKeys(names.toArray(String[]::new));
            compared.addAll(names);
            assertSame(dtype, name, array, names.stream().map(written::get).toList());
        });
        assertThat(compared).isEqualTo(written.keySet());
    }

    private static void assertSame(DType dtype, String name, Array composed, List<Array> blocks) {
        Array first = blocks.get(0);
        if (blocks.size() == 1) {
            assertThat(composed.shape()).as(name).isEqualTo(first.shape());
            assertThat(composed.values()).as(name).isEqualTo(first.values());
        } else if (composed.shape().equals(first.shape())) {
            double[] sum = new double[first.values().length];
            blocks.forEach(block -> Arrays.setAll(sum, i -> sum[i] + block.values()[i]));
            assertClose(dtype, name, composed.values(), sum);
        } else if (name.contains("in_proj_bias/kf")) {
            // Terms of two blocks are the oracle's.
            int size = (int) first.shape().size(0);
            int all = blocks.size() * size;
            for (int block = 0; block < blocks.size(); block++) {
                int start = block * size;
                double[] diagonal = IntStream.range(0, size * size)
                        .mapToDouble(i -> composed.values()[(start + i / size) * all + start + i % size])
                        .toArray();
                // biases of keys have no gradient but rounding
                assertClose(dtype, name, diagonal, blocks.get(block).values(), composed.values());
            }
        } else {
            assertThat(composed.values()).as(name).isEqualTo(stacked(name, composed.shape(), blocks));
        }
    }

    /**
     * Blocks one below the other, along the only axis in which they differ from the whole; for Kronecker factors a new
     * first one.
     */
    private static double[] stacked(String name, Shape whole, List<Array> blocks) {
        Shape block = blocks.get(0).shape();
        int axis = 0;
        int count = blocks.size();
        if (whole.rank() == block.rank()) {
            while (whole.size(axis) == block.size(axis)) {
                axis++;
            }
            assertThat(whole).as(name).isEqualTo(block.with(axis, count * block.size(axis)));
        } else {
            assertThat(whole).as(name).isEqualTo(block.prepend(count));
        }
        int inner = (int) block.elements(axis, block.rank());
        int outer = (int) (block.elements() / inner);
        double[] result = new double[(int) whole.elements()];
        for (int o = 0; o < outer; o++) {
            for (int b = 0; b < count; b++) {
                System.arraycopy(blocks.get(b).values(), o * inner, result, (o * count + b) * inner, inner);
            }
        }
        if (name.endsWith("/grad_batch_rows/ids")) {
            // A block that is not looked up in has the numbers of all its rows, which follow those of the blocks above.
            Arrays.setAll(result, i -> result[i] + i / inner % count * inner);
        }
        return result;
    }

    @ParameterizedTest
    @EnumSource
    void every_extension_gives_what_the_written_network_gives(ComposedPair pair) {
        for (DType dtype : List.of(DType.FLOAT64, DType.FLOAT32)) {
            withModels(pair, dtype, (composed, written) -> {
                PassOptions split = PassOptions.DEFAULT.chunk(2).block(2);
                for (PassOptions options : List.of(PassOptions.DEFAULT, split)) {
                    try (Batch batch = batch(pair, dtype, 0, N);
                            Results ofComposed = backpack.plan(composed, batch, requests(pair, true, false), options)
                                    .run(batch, 11);
                            Results ofWritten = backpack.plan(written, batch, requests(pair, false, false), options)
                                    .run(batch, 11)) {
                        assertSame(pair, dtype, arrays(ofComposed), arrays(ofWritten));
                    }
                }
            });
        }
    }

    /** Alone, a contraction may have another form than beside others. */
    @ParameterizedTest
    @EnumSource
    void so_does_every_extension_on_its_own(ComposedPair pair) {
        withModels(pair, DType.FLOAT32, (composed, written) -> {
            List<Request<?>> left = requests(pair, true, false);
            List<Request<?>> right = requests(pair, false, false);
            for (int i = 0; i < left.size(); i++) {
                try (Batch batch = batch(pair, DType.FLOAT32, 0, N);
                        Results ofComposed = backpack.plan(composed, batch, List.of(left.get(i)), PassOptions.DEFAULT)
                                .run(batch, 11);
                        Results ofWritten = backpack.plan(written, batch, List.of(right.get(i)), PassOptions.DEFAULT)
                                .run(batch, 11)) {
                    assertSame(pair, DType.FLOAT32, arrays(ofComposed), arrays(ofWritten));
                }
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    void so_do_sessions(ComposedPair pair) {
        for (DType dtype : List.of(DType.FLOAT64, DType.FLOAT32)) {
            withModels(pair, dtype, (composed, written) -> {
                Map<String, Array> left = session(pair, dtype, composed, true);
                assertSame(pair, dtype, left, session(pair, dtype, written, false));
            });
        }
    }

    private static Map<String, Array> session(ComposedPair pair, DType dtype, Model model, boolean composed) {
        try (Session session =
                backpack.session(model, requests(pair, composed, true), SessionOptions.DEFAULT.seed(11))) {
            for (int from = 0; from < N; from += 3) {
                try (Batch batch = batch(pair, dtype, from, Math.min(N, from + 3))) {
                    session.add(batch);
                }
            }
            try (Results results = session.results()) {
                return arrays(results);
            }
        }
    }

    /** Columns of all positions travel together to one block, but not to the other: then they do to neither. */
    @Test
    void blocks_where_positions_mix_and_where_they_do_not() {
        Module square = new Linear(POSITIONS, POSITIONS, false);
        Module turn = new Permute(0, 2, 1);
        Graph composed = Graph.builder()
                .add("enc", new CrossedRows(POSITIONS))
                .add("classes", turn)
                .build();
        Graph written = Graph.builder()
                .add("enc.along", square, "input")
                .add("enc.turned", turn, "input")
                .add("enc.across", square, "enc.turned")
                .add("enc.back", turn)
                .add("enc.both", new Sum(), "enc.along", "enc.back")
                .add("classes", turn)
                .build();
        ComposedPair pair = ComposedPair.POSITIONS;
        try (Model left = model(pair, DType.FLOAT64, composed);
                Model right = model(pair, DType.FLOAT64, written);
                Batch batch = batch(pair, DType.FLOAT64, 0, N)) {
            left.parameters().initialize(3);
            double[] weight = left.parameters().get("enc.weight").toDoubleArray();
            int size = weight.length / 2;
            right.parameters().set("enc.along.weight", Arrays.copyOf(weight, size));
            right.parameters().set("enc.across.weight", Arrays.copyOfRange(weight, size, 2 * size));
            List<Request<?>> requests = new ArrayList<>();
            for (String type : List.of("DiagGGNExact", "DiagHessian")) {
                requests.add(backpack.catalog().request(type, Map.of()));
            }
            try (Results ofLeft = backpack.plan(left, batch, requests, PassOptions.DEFAULT)
                            .run(batch);
                    Results ofRight = backpack.plan(right, batch, requests, PassOptions.DEFAULT)
                            .run(batch)) {
                for (String quantity : List.of("/grad", "/diag_ggn_exact", "/diag_h")) {
                    double[] whole =
                            ofLeft.tensors().get("enc.weight" + quantity).toDoubleArray();
                    double[] along =
                            ofRight.tensors().get("enc.along.weight" + quantity).toDoubleArray();
                    double[] across = ofRight.tensors()
                            .get("enc.across.weight" + quantity)
                            .toDoubleArray();
                    assertClose(DType.FLOAT64, quantity, Arrays.copyOf(whole, size), along);
                    assertClose(DType.FLOAT64, quantity, Arrays.copyOfRange(whole, size, 2 * size), across);
                }
            }
        }
    }

    /** The plan counts what blocks of rows take, and finds smaller parts of the batch where it is too much. */
    @Test
    void memory_budgets_hold() {
        ComposedPair pair = ComposedPair.POSITIONS;
        withModels(pair, DType.FLOAT64, (composed, written) -> {
            try (Batch batch = batch(pair, DType.FLOAT64, 0, N)) {
                List<Request<?>> requests = List.of(
                        backpack.catalog().request("DiagGGNExact", Map.of()),
                        backpack.catalog().request("Variance", Map.of()),
                        backpack.catalog().request("KFLR", Map.of()));
                Plan free = backpack.plan(composed, batch, requests, PassOptions.DEFAULT);
                long budget = free.peakBytes() * 9 / 10;
                Plan bound = backpack.plan(composed, batch, requests, PassOptions.DEFAULT.memory(budget));
                assertThat(bound.peakBytes()).isLessThanOrEqualTo(budget);
                try (Results expected = free.run(batch, 11);
                        Results results = bound.run(batch, 11)) {
                    Map<String, Array> arrays = arrays(results);
                    arrays(expected)
                            .forEach((name, array) -> assertClose(
                                    DType.FLOAT64, name, arrays.get(name).values(), array.values()));
                }
            }
        });
    }

    @Test
    void no_extension_is_forgotten() {
        List<String> all = new ArrayList<>(List.of("KFRA"));
        List.of(ANYWHERE, WHERE_UNTIED, PRODUCTS, OF_THE_NETWORK).forEach(all::addAll);
        assertThat(all).containsAll(backpack.catalog().extensionTypes());
    }

    @Test
    void the_same_weight_in_two_compositions_is_tied() {
        withModels(ComposedPair.TIED, DType.FLOAT32, (composed, written) -> {
            try (Batch batch = batch(ComposedPair.TIED, DType.FLOAT32, 0, N)) {
                List<Request<?>> requests = List.of(backpack.catalog().request("DiagHessian", Map.of()));
                assertThatThrownBy(() -> backpack.plan(composed, batch, requests, PassOptions.DEFAULT))
                        .isInstanceOf(BackpackException.class)
                        .hasMessageContaining(
                                "DiagHessian cannot compute 'enc.in_proj_weight', because node 'enc' (GatedAttention), part 'q' (Linear) and")
                        .hasMessageContaining(
                                "DiagHessian cannot compute 'enc.out_proj.weight', because node 'enc' (GatedAttention), part 'out_proj' (Linear) and node 'enc' (GatedAttention), part 'again' (Linear) use it together.");
            }
        });
    }
}
