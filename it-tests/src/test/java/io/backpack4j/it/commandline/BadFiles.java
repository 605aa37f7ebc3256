package io.backpack4j.it.commandline;

import static io.backpack4j.it.commandline.TensorFile.bytes;
import static io.backpack4j.it.commandline.TensorFile.describe;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Files that are missing, cut short or made to do harm, and results that cannot be written. */
final class BadFiles {

    static final Map<String, Consumer<Workspace>> CASES = new TreeMap<>();

    private static final byte[] OBJECT = {'{', '}'};

    static {
        add("file_model_missing", workspace -> missing(workspace, "--model"));
        add("file_data_missing", workspace -> missing(workspace, "--data"));
        add("file_both_missing", workspace -> missing(missing(workspace, "--model"), "--data"));
        add("file_model_is_directory", workspace -> directory(workspace, "--model"));
        add("file_data_is_directory", workspace -> directory(workspace, "--data"));
        add(
                "file_model_not_utf8",
                workspace -> TensorFile.write(workspace.file("model.json"), new byte[] {'{', (byte) 0xff, '}'}));
        data("safetensors_empty");
        data("safetensors_too_short", (byte) 1, (byte) 2);
        add(
                "safetensors_truncated",
                workspace -> workspace.data(Arrays.copyOf(workspace.data(), workspace.data().length - 5)));
        add("safetensors_truncated_in_header", workspace -> workspace.data(Arrays.copyOf(workspace.data(), 40)));
        add(
                "safetensors_bytes_after_the_end",
                workspace -> workspace.data(Arrays.copyOf(workspace.data(), workspace.data().length + 1)));
        data("safetensors_header_length_huge", bytes(Long.MAX_VALUE, OBJECT));
        data("safetensors_header_length_negative", bytes(-1, OBJECT));
        data("safetensors_header_length_zero", bytes(0, OBJECT));
        data("safetensors_header_not_json", bytes("{\"input\": "));
        data("safetensors_header_list", bytes("[]"));
        data("safetensors_header_deep", bytes("{\"a\":" + "[".repeat(10_000)));
        header("safetensors_unknown_dtype", describe("input", "F8", "[1]", 0, 1), 1);
        header("safetensors_offsets_beyond_the_end", describe("input", "F64", "[4]", 0, 32), 8);
        header("safetensors_offsets_reversed", describe("input", "F64", "[1]", 8, 0), 8);
        header("safetensors_offsets_negative", describe("input", "F64", "[1]", -8, 0), 8);
        header("safetensors_offsets_overflow", describe("input", "F64", "[1]", 0, Long.MAX_VALUE), 8);
        header(
                "safetensors_overlap",
                describe("input", "F64", "[2]", 0, 16) + "," + describe("target", "F64", "[2]", 8, 24),
                24);
        header("safetensors_gap", describe("input", "F64", "[1]", 8, 16), 16);
        header("safetensors_size_differs_from_shape", describe("input", "F64", "[3]", 0, 16), 16);
        header("safetensors_shape_negative", describe("input", "F64", "[-1]", 0, 8), 8);
        header("safetensors_shape_overflow", describe("input", "F64", "[4294967296, 4294967296]", 0, 0), 0);
        header("safetensors_name_twice", describe("a", "U8", "[1]", 0, 1) + "," + describe("a", "U8", "[1]", 1, 2), 2);
        header("safetensors_control_characters", describe("\\u001b[31m\\n", "F8", "[1]", 0, 1), 1);
        header("safetensors_entry_incomplete", "\"input\": {\"dtype\": \"F64\", \"shape\": [1]}", 8);
        header("safetensors_metadata_not_strings", "\"__metadata__\": {\"a\": 1}", 0);
        add(
                "out_directory_missing",
                workspace -> workspace.option(
                        "--out",
                        workspace.file("nowhere").resolve("r.safetensors").toString()));
        add("out_is_directory", workspace -> directory(workspace, "--out"));
        add(
                "out_below_a_file",
                workspace -> workspace.option(
                        "--out",
                        workspace.file("model.json").resolve("r.safetensors").toString()));
        add(
                "out_is_the_data",
                workspace -> workspace.option(
                        "--out", workspace.file("data.safetensors").toString()));
        add(
                "out_is_the_model",
                workspace ->
                        workspace.option("--out", workspace.file("model.json").toString()));
    }

    private BadFiles() {}

    private static void add(String name, Consumer<Workspace> change) {
        CASES.put(name, change);
    }

    private static void data(String name, byte... bytes) {
        add(name, workspace -> workspace.data(bytes));
    }

    private static void header(String name, String entries, int dataBytes) {
        data(name, bytes("{" + entries + "}", new byte[dataBytes]));
    }

    private static Workspace missing(Workspace workspace, String option) {
        return workspace.option(option, workspace.file("no.such" + option).toString());
    }

    private static void directory(Workspace workspace, String option) {
        Path directory = workspace.file("directory");
        try {
            Files.createDirectory(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        workspace.option(option, directory.toString());
    }
}
