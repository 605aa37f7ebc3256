// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A directory with a model and its data, and a command about them. All of it is valid until a test changes it. */
final class Workspace {

    static final String MODEL = """
            {"nodes": [{"name": "0", "type": "Linear", "in_features": 2, "out_features": 3},
                       {"name": "1", "type": "ReLU"},
                       {"name": "2", "type": "Linear", "in_features": 3, "out_features": 2}],
             "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}
            """;

    private final Path directory;
    private final Map<String, String> options = new LinkedHashMap<>();
    private final List<String> others = new ArrayList<>();
    private final TensorFile data = new TensorFile();
    private String command = "evaluate";

    Workspace(Path directory) {
        this.directory = directory;
        options.put("--model", file("model.json").toString());
        options.put("--data", file("data.safetensors").toString());
        options.put("--extensions", "BatchGrad,Variance");
        options.put("--out", file("results.safetensors").toString());
        data.put("input", new long[] {4, 2}, 0.5, -1, 2, 0.25, -0.75, 1, 1.5, -2);
        data.put("target", new long[] {4}, 0, 1, 1, 0);
        data.put("0.weight", new long[] {3, 2}, 0.1, -0.2, 0.3, 0.4, -0.5, 0.6);
        data.put("0.bias", new long[] {3}, 0.1, 0.2, -0.3);
        data.put("2.weight", new long[] {2, 3}, 0.7, -0.8, 0.9, -0.1, 0.2, 0.3);
        data.put("2.bias", new long[] {2}, 0.5, -0.5);
        model(MODEL);
        data.write(file("data.safetensors"));
    }

    Path file(String name) {
        return directory.resolve(name);
    }

    /** Replaces the model. */
    Workspace model(String json) {
        TensorFile.write(file("model.json"), json.getBytes(StandardCharsets.UTF_8));
        return this;
    }

    /** Replaces a part of the model. */
    Workspace model(String part, String replacement) {
        if (!MODEL.contains(part)) {
            throw new IllegalArgumentException(part);
        }
        return model(MODEL.replace(part, replacement));
    }

    /** Replaces a tensor of real numbers. */
    Workspace tensor(String name, long[] shape, double... values) {
        data.put(name, shape, values).write(file("data.safetensors"));
        return this;
    }

    /** Replaces a tensor of integers. */
    Workspace integers(String name, long[] shape, long... values) {
        data.put(name, shape, values).write(file("data.safetensors"));
        return this;
    }

    /** Replaces a tensor of bytes, such as U8 or BOOL. */
    Workspace bytes(String name, String type, long[] shape, byte... values) {
        data.put(name, type, shape, values).write(file("data.safetensors"));
        return this;
    }

    /** Moves a tensor to another name. */
    Workspace rename(String name, String other) {
        data.rename(name, other).write(file("data.safetensors"));
        return this;
    }

    /** Removes a tensor. */
    Workspace without(String name) {
        data.remove(name).write(file("data.safetensors"));
        return this;
    }

    /** Replaces the data file by anything. */
    Workspace data(byte[] bytes) {
        TensorFile.write(file("data.safetensors"), bytes);
        return this;
    }

    /** The data file as it is now. */
    byte[] data() {
        return data.bytes();
    }

    /** Takes another command than {@code evaluate}. */
    Workspace command(String name) {
        command = name;
        return this;
    }

    /** Sets an option. */
    Workspace option(String name, String value) {
        options.put(name, value);
        return this;
    }

    /** Leaves an option out. */
    Workspace withoutOption(String name) {
        options.remove(name);
        return this;
    }

    /** Adds an argument at the end. */
    Workspace argument(String argument) {
        others.add(argument);
        return this;
    }

    /** The arguments of the command. */
    String[] arguments() {
        List<String> arguments = new ArrayList<>(List.of(command));
        options.forEach((name, value) -> arguments.addAll(List.of(name, value)));
        arguments.addAll(others);
        return arguments.toArray(String[]::new);
    }

    /** Runs it in this JVM. */
    Run run() {
        return Run.of(arguments());
    }

    /** All files in here, with their sizes. */
    Map<String, Long> files() {
        try (Stream<Path> paths = Files.walk(directory)) {
            Map<String, Long> files = new LinkedHashMap<>();
            paths.sorted().forEach(path -> files.put(directory.relativize(path).toString(), size(path)));
            return files;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A text without what differs from run to run. */
    String normalized(String text) {
        return text.replace(directory.toString(), "DIR");
    }

    private static long size(Path path) {
        try {
            return Files.isDirectory(path) ? 0 : Files.size(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
