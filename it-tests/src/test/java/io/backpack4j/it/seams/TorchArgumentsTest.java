// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Arguments of PyTorch's constructors. {@code pytorch/signatures.json} holds those of all types that we share with
 * PyTorch 2.11, and {@code pytorch/inplace.json} random networks, with what PyTorch 2.6 said when it ran them: whether
 * their output changes with {@code inplace}.
 */
class TorchArgumentsTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    /** Those that {@code torch.nn} lacks. */
    private static final Set<String> NOT_OF_PYTORCH = Set.of(
            "Concat",
            "MatMul",
            "Max",
            "Affine",
            "Div",
            "Mean",
            "Mul",
            "Pad",
            "Parameter",
            "Permute",
            "Reshape",
            "Scale",
            "ScaledDotProductAttention",
            "Slice",
            "StochasticDepth",
            "Sub",
            "Sum");

    /** What PyTorch has as a further input. */
    private static final Map<String, Map<String, Object>> INPUTS_OF_PYTORCH =
            Map.of("GaussianNLLLoss", Map.of("var", 0.5));

    /** Values of arguments without a default. */
    private static final Map<String, Object> REQUIRED = Map.ofEntries(
            Map.entry("in_features", 4),
            Map.entry("out_features", 4),
            Map.entry("in_channels", 4),
            Map.entry("out_channels", 4),
            Map.entry("num_features", 4),
            Map.entry("num_groups", 2),
            Map.entry("num_channels", 4),
            Map.entry("normalized_shape", List.of(4, 2)),
            Map.entry("num_embeddings", 5),
            Map.entry("embedding_dim", 3),
            Map.entry("input_size", 4),
            Map.entry("hidden_size", 3),
            Map.entry("batch_first", true),
            Map.entry("embed_dim", 4),
            Map.entry("num_heads", 2),
            Map.entry("d_model", 4),
            Map.entry("nhead", 2),
            Map.entry("kernel_size", 5),
            Map.entry("output_size", 2),
            Map.entry("padding", 1),
            Map.entry("value", 0.5));

    /** A value that is not the default, for every argument. */
    private static final Map<String, Object> OTHERS = Map.ofEntries(
            Map.entry("in_features", 2),
            Map.entry("out_features", 2),
            Map.entry("in_channels", 2),
            Map.entry("out_channels", 2),
            Map.entry("num_features", 2),
            Map.entry("num_groups", 1),
            Map.entry("num_channels", 2),
            Map.entry("normalized_shape", 4),
            Map.entry("elementwise_affine", false),
            Map.entry("num_embeddings", 6),
            Map.entry("embedding_dim", 2),
            Map.entry("padding_idx", 1),
            Map.entry("max_norm", 1.5),
            Map.entry("norm_type", 3.0),
            Map.entry("scale_grad_by_freq", true),
            Map.entry("sparse", true),
            Map.entry("_weight", List.of(1.0)),
            Map.entry("_freeze", true),
            Map.entry("include_last_offset", true),
            Map.entry("EmbeddingBag.mode", "sum"),
            Map.entry("input_size", 2),
            Map.entry("hidden_size", 2),
            Map.entry("num_layers", 2),
            Map.entry("nonlinearity", "relu"),
            Map.entry("batch_first", false),
            Map.entry("dropout", 0.5),
            Map.entry("bidirectional", true),
            Map.entry("proj_size", 2),
            Map.entry("embed_dim", 8),
            Map.entry("num_heads", 4),
            Map.entry("d_model", 8),
            Map.entry("nhead", 4),
            Map.entry("dim_feedforward", 3),
            Map.entry("activation", "gelu"),
            Map.entry("layer_norm_eps", 0.1),
            Map.entry("norm_first", true),
            Map.entry("add_bias_kv", true),
            Map.entry("add_zero_attn", true),
            Map.entry("kdim", 3),
            Map.entry("vdim", 3),
            Map.entry("kernel_size", 2),
            Map.entry("output_size", 3),
            Map.entry("value", 1.5),
            Map.entry("bias", false),
            Map.entry("stride", 2),
            Map.entry("padding", 2),
            Map.entry("dilation", 2),
            Map.entry("output_padding", 1),
            Map.entry("groups", 2),
            Map.entry("padding_mode", "circular"),
            Map.entry("ceil_mode", true),
            Map.entry("count_include_pad", false),
            Map.entry("divisor_override", 3),
            Map.entry("return_indices", true),
            Map.entry("eps", 0.1),
            Map.entry("momentum", 0.2),
            Map.entry("affine", false),
            Map.entry("track_running_stats", false),
            Map.entry("alpha", 0.5),
            Map.entry("negative_slope", 0.5),
            Map.entry("inplace", true),
            Map.entry("p", 0.25),
            Map.entry("approximate", "tanh"),
            Map.entry("threshold", 3),
            Map.entry("min_val", -0.5),
            Map.entry("max_val", 0.5),
            Map.entry("min_value", -0.5),
            Map.entry("max_value", 0.5),
            Map.entry("num_parameters", 4),
            Map.entry("init", 0.1),
            Map.entry("dim", 2),
            Map.entry("start_dim", 2),
            Map.entry("end_dim", 2),
            Map.entry("weight", List.of(1.0, 2.0)),
            Map.entry("pos_weight", List.of(2.0)),
            Map.entry("ignore_index", 3),
            Map.entry("label_smoothing", 0.1),
            Map.entry("beta", 0.5),
            Map.entry("delta", 0.5),
            Map.entry("log_input", false),
            Map.entry("log_target", true),
            Map.entry("full", true),
            Map.entry("size_average", false),
            Map.entry("reduce", false),
            Map.entry("reduction", "none"),
            Map.entry("size", 3),
            Map.entry("scale_factor", 2),
            Map.entry("mode", "bilinear"),
            Map.entry("align_corners", true),
            Map.entry("recompute_scale_factor", true),
            Map.entry("device", "cuda:0"),
            Map.entry("dtype", "float64"));

    /**
     * Other values of these change no number: circular padding where nothing is padded, the norm of rows that are not
     * limited.
     */
    private static final Set<String> WITHOUT_EFFECT = Set.of("inplace", "device", "padding_mode", "norm_type");

    private static BackPack backpack;

    @TempDir
    private Path directory;

    /** An argument of a signature: without a default it is required. */
    private record Argument(Map<String, @Nullable Object> fields) {

        boolean isRequired() {
            return !fields.containsKey("default");
        }

        @Nullable
        Object defaultValue() {
            return fields.get("default");
        }
    }

    @BeforeAll
    static void open() {
        backpack = BackPack.builder().backend("cpu").build();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    @Test
    void every_type_is_listed() throws IOException {
        Set<String> types = new TreeSet<>(backpack.catalog().moduleTypes());
        types.addAll(backpack.catalog().lossTypes());
        types.removeAll(NOT_OF_PYTORCH);
        assertThat(stored().keySet()).containsExactlyInAnyOrderElementsOf(types);
    }

    @Test
    void defaults_are_accepted_and_change_nothing() throws IOException {
        stored().forEach(TorchArgumentsTest::checkDefaults);
    }

    @Test
    void other_values_have_an_effect_or_are_refused_in_words_of_their_own() throws IOException {
        Set<String> refused = new TreeSet<>();
        stored().forEach((type, signature) -> signature.forEach((name, argument) -> {
            Map<String, @Nullable Object> arguments = required(signature);
            Object plain = create(type, arguments);
            Object value = Objects.requireNonNull(OTHERS.getOrDefault(type + "." + name, OTHERS.get(name)), name);
            boolean isDefault = !argument.isRequired() && value.equals(argument.defaultValue());
            arguments.put(name, isDefault && value instanceof Boolean flag ? !flag : value);
            if (name.equals("output_padding")) {
                arguments.put("stride", 2);
            }
            Throwable problem = catchThrowable(() -> {
                Object other = create(type, arguments);
                boolean ofStatistics = name.equals("momentum") && type.startsWith("InstanceNorm");
                if (!WITHOUT_EFFECT.contains(name) && !ofStatistics) {
                    assertThat(other).as("%s of %s", name, type).isNotEqualTo(plain);
                }
            });
            if (problem != null) {
                assertThat(problem)
                        .as("%s of %s", name, type)
                        .isInstanceOf(BackpackException.class)
                        .hasMessageStartingWith("[InvalidArgument] Argument '" + name + "' of ")
                        .hasMessageContaining("but must ");
                refused.add(name);
            }
        }));
        assertThat(refused)
                .containsExactlyInAnyOrder(
                        "_freeze",
                        "_weight",
                        "add_bias_kv",
                        "add_zero_attn",
                        "batch_first",
                        "align_corners",
                        "dtype",
                        "include_last_offset",
                        "max_norm",
                        "padding_mode",
                        "proj_size",
                        "recompute_scale_factor",
                        "reduce",
                        "reduction",
                        "return_indices",
                        "scale_grad_by_freq",
                        "size_average",
                        "sparse",
                        "track_running_stats");
    }

    @Test
    void the_signatures_of_the_installed_pytorch_are_accepted() throws IOException, InterruptedException {
        List<String> types = new ArrayList<>(stored().keySet());
        Path out = directory.resolve("signatures.json");
        Path errors = directory.resolve("errors.txt");
        Files.writeString(out, "");
        int code = python(SCRIPT, types, out, errors);
        assumeTrue(code == 0, "python3 finds no torch here, so only the stored list is checked");
        Map<String, Map<String, Argument>> installed = read(Files.readString(out, StandardCharsets.UTF_8));
        assertThat(installed.keySet()).containsExactlyInAnyOrderElementsOf(types);
        installed.forEach(TorchArgumentsTest::checkDefaults);
    }

    @Test
    void in_place_nodes_are_refused_exactly_where_pytorchs_output_changes() throws IOException {
        List<Map<String, Object>> cases = JSON.readValue(text("/pytorch/inplace.json"), new TypeReference<>() {});
        assertThat(cases).hasSize(120);
        for (Map<String, Object> network : cases) {
            String json =
                    JSON.writeValueAsString(Map.of("nodes", network.get("nodes"), "loss", Map.of("type", "MSELoss")));
            Catalog catalog = backpack.catalog();
            Throwable problem = catchThrowable(() -> catalog.graph(ModelFile.parse(json, "case")));
            assertThat(problem != null).as(json).isEqualTo(network.get("changes"));
            if (problem != null) {
                assertThat(problem).hasMessageContaining("[InPlaceConflict]");
            }
        }
    }

    @Test
    void an_identity_takes_whatever_it_stands_in_for() {
        Map<String, Object> arguments = Map.of("in_features", 512, "unused", List.of("a"), "inplace", true);
        assertThat(create("Identity", arguments)).isEqualTo(create("Identity", Map.of()));
    }

    @Test
    void padding_modes_agree_where_nothing_is_padded() {
        Map<String, @Nullable Object> arguments =
                new HashMap<>(Map.of("in_channels", 1, "out_channels", 1, "kernel_size", 1, "padding_mode", "reflect"));
        assertThat(create("Conv2d", arguments)).isNotNull();
        arguments.put("padding", "valid");
        assertThat(create("Conv2d", arguments)).isNotNull();
        arguments.put("padding", "same");
        assertThat(create("Conv2d", arguments)).isNotNull();
        arguments.put("kernel_size", List.of(1, 3));
        for (Object padding : List.of("same", 1, List.of(0, 1))) {
            arguments.put("padding", padding);
            assertThatThrownBy(() -> create("Conv2d", arguments))
                    .as("padding %s", padding)
                    .hasMessageContaining("must be 'zeros'");
        }
        arguments.put("padding", 0);
        arguments.put("padding_mode", "mirror");
        assertThatThrownBy(() -> create("Conv2d", arguments)).hasMessageContaining("'mirror'");
    }

    private static void checkDefaults(String type, Map<String, Argument> signature) {
        Map<String, @Nullable Object> all = required(signature);
        Object plain = create(type, all);
        signature.forEach((name, argument) -> {
            if (!argument.isRequired()) {
                Map<String, @Nullable Object> arguments = required(signature);
                arguments.put(name, argument.defaultValue());
                assertThat(create(type, arguments)).as("%s of %s", name, type).isEqualTo(plain);
                all.put(name, argument.defaultValue());
            }
        });
        assertThat(create(type, all)).as(type).isEqualTo(plain);
    }

    private static Map<String, @Nullable Object> required(Map<String, Argument> signature) {
        Map<String, @Nullable Object> arguments = new HashMap<>();
        signature.forEach((name, argument) -> {
            if (argument.isRequired()) {
                arguments.put(name, Objects.requireNonNull(REQUIRED.get(name), name));
            }
        });
        return arguments;
    }

    /** A module or a loss, whichever has the type. */
    private static Object create(String type, Map<String, ? extends @Nullable Object> arguments) {
        Catalog catalog = backpack.catalog();
        Map<String, @Nullable Object> all = new HashMap<>(INPUTS_OF_PYTORCH.getOrDefault(type, Map.of()));
        all.putAll(arguments);
        return catalog.lossTypes().contains(type)
                ? catalog.loss(new LossDescription(type, all))
                : catalog.module("node 'a' (" + type + ")", type, arguments);
    }

    private static final String SCRIPT = """
            import inspect, json, sys, torch
            def signature(type):
                # recurrent layers have overloads, and the signature of what they inherit from
                recurrent = type in ("RNN", "LSTM", "GRU")
                owner = torch.nn.RNNBase if recurrent else getattr(torch.nn, type)
                parameters = inspect.signature(owner).parameters.values()
                named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name != "mode" * recurrent]
                result = {p.name: {} if p.default is p.empty else {"default": p.default} for p in named}
                if "batch_first" in result:
                    # the default means that time comes before the batch, which no tensor of ours has
                    result["batch_first"] = {}
                return result
            print(json.dumps({type: signature(type) for type in sys.argv[1:]}))
            """;

    /** The exit code of a script; not 0 either where there is no Python. */
    private static int python(String script, List<String> arguments, Path out, Path errors)
            throws InterruptedException {
        List<String> command = new ArrayList<>(List.of("python3", "-c", script));
        command.addAll(arguments);
        try {
            Process process = new ProcessBuilder(command)
                    .redirectOutput(out.toFile())
                    .redirectError(errors.toFile())
                    .start();
            if (!process.waitFor(1, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new IllegalStateException("It did not end: " + command);
            }
            return process.exitValue();
        } catch (IOException e) {
            return -1;
        }
    }

    private static Map<String, Map<String, Argument>> stored() throws IOException {
        return read(text("/pytorch/signatures.json"));
    }

    private static Map<String, Map<String, Argument>> read(String json) throws IOException {
        Map<String, Map<String, Map<String, @Nullable Object>>> types = JSON.readValue(json, new TypeReference<>() {});
        Map<String, Map<String, Argument>> signatures = new HashMap<>();
        types.forEach((type, fields) -> {
            Map<String, Argument> arguments = new HashMap<>();
            fields.forEach((name, values) -> arguments.put(name, new Argument(values)));
            signatures.put(type, arguments);
        });
        return signatures;
    }

    private static String text(String resource) throws IOException {
        try (InputStream stream = Objects.requireNonNull(TorchArgumentsTest.class.getResourceAsStream(resource))) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
