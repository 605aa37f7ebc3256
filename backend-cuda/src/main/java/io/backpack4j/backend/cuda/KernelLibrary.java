// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.DType;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Compiled kernels, by file and types; each file is compiled when one of its kernels is first needed. Guarded by {@link
 * Device}.
 */
final class KernelLibrary {

    /** Beginning of all files. */
    static final String COMMON = "common.cuh";

    private final CudaApi api;
    private final KernelCache cache;
    private final boolean alwaysWide;
    private final Map<Variant, CudaApi.Module> modules = new HashMap<>();
    private final Map<Name, CudaApi.Function> functions = new HashMap<>();

    private record Variant(KernelFile file, DType real, boolean wide) {}

    private record Name(Variant variant, String kernel) {}

    KernelLibrary(CudaApi api, CudaOptions options) {
        this.api = api;
        this.cache = new KernelCache(options.cache());
        this.alwaysWide = options.alwaysWide();
    }

    /**
     * A kernel.
     *
     * @param real the floating type
     * @param wide whether positions need 64 bits
     */
    CudaApi.Function function(KernelFile file, DType real, boolean wide, String kernel) {
        Name name = new Name(new Variant(file, real, wide || alwaysWide), kernel);
        CudaApi.Function function = functions.get(name);
        if (function == null) {
            function = api.function(module(name.variant()), kernel);
            functions.put(name, function);
        }
        return function;
    }

    private CudaApi.Module module(Variant variant) {
        CudaApi.Module module = modules.get(variant);
        if (module == null) {
            String file = variant.file().fileName();
            String source = source(variant.file());
            List<String> definitions = definitions(variant.real(), variant.wide());
            KernelCache.Key key = new KernelCache.Key(source, definitions, api.architecture(), api.compiler());
            module = api.load(cache.get(key, () -> api.compile(file, source, definitions)));
            modules.put(variant, module);
        }
        return module;
    }

    /** A file's text, with what all files begin with in front. */
    static String source(KernelFile file) {
        return constants() + resource(COMMON) + "\n#line 1 \"" + file.fileName() + "\"\n" + resource(file.fileName());
    }

    /** The macros that select the types. */
    static List<String> definitions(DType real, boolean wide) {
        return List.of(
                "REAL=" + (real == DType.FLOAT32 ? "float" : "double"),
                "INDEX=" + (wide ? "long long" : "int"),
                "BLOCK=" + Grid.THREADS,
                "MAX_RANK=" + StridedLoop.MAX_RANK);
    }

    /** The numbers by which kernels are told what to do. */
    private static String constants() {
        List<String> lines = new ArrayList<>();
        for (UnaryOperation operation : UnaryOperation.values()) {
            lines.add("#define UNARY_" + operation + " " + operation.ordinal());
        }
        for (BinaryOperation operation : BinaryOperation.values()) {
            lines.add("#define BINARY_" + operation + " " + operation.ordinal());
        }
        for (Reduction reduction : Reduction.values()) {
            lines.add("#define REDUCTION_" + reduction + " " + reduction.ordinal());
        }
        for (Activation.Kind kind : Activation.Kind.values()) {
            lines.add("#define ACTIVATION_" + kind + " " + kind.ordinal());
        }
        for (DType type : DType.values()) {
            lines.add("#define TYPE_" + type + " " + type.ordinal());
        }
        lines.add("#define SELU_ALPHA " + Activation.SELU_ALPHA);
        lines.add("#define SELU_SCALE " + Activation.SELU_SCALE);
        lines.add("#define GELU_TANH_SCALE " + Activation.GELU_TANH_SCALE);
        lines.add("#define GELU_TANH_CUBIC " + Activation.GELU_TANH_CUBIC);
        lines.add("#define GELU_RANGE " + Activation.GELU_RANGE);
        return String.join("\n", lines) + "\n";
    }

    private static String resource(String name) {
        try (InputStream stream = KernelLibrary.class.getResourceAsStream(name)) {
            if (stream == null) {
                throw new IOException("There is no resource " + name + " beside " + KernelLibrary.class.getName());
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("The source of a kernel cannot be read: the jar is damaged.", e);
        }
    }

    void close() {
        modules.values().forEach(api::unload);
        modules.clear();
        functions.clear();
    }
}
