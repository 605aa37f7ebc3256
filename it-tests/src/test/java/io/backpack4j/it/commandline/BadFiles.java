// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static io.backpack4j.it.commandline.TensorFile.bytes;
import static io.backpack4j.it.commandline.TensorFile.describe;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

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
        model("file_model_utf16", StandardCharsets.UTF_16);
        model("file_model_utf16_without_mark", StandardCharsets.UTF_16LE);
        add(
                "files_exchanged",
                workspace -> workspace
                        .option("--model", workspace.file("data.safetensors").toString())
                        .option("--data", workspace.file("model.json").toString()));
        data("file_data_is_git_lfs", text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"));
        data("file_data_is_html", text("\n<!DOCTYPE html><html><body>Not found</body></html>"));
        data("file_data_is_xml", text("<?xml version=\"1.0\"?><Error/>"));
        data(
                "file_data_is_index",
                text(
                        "{\"metadata\": {\"total_size\": 8}, \"weight_map\": {\"0.bias\": \"model-00001-of-00002.safetensors\"}}"));
        data("file_data_is_gzip", 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3);
        data("file_data_is_tar", tar());
        data("file_data_is_zip", zip("notes.txt"));
        data("file_data_is_npz", zip("input.npy"));
        data("file_data_is_checkpoint", zip("net/data.pkl"));
        data("file_data_is_old_checkpoint", 0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8);
        data("file_data_is_npy", text("\u0093NUMPY\u0001\u0000v\u0000{'descr': '<f8'}"));
        data("file_data_is_hdf5", text("\u0089HDF\r\n\u001a\n\u0000\u0000"));
        data("file_data_is_idx", 0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 7);
        data("file_data_is_image", text("\u0089PNG\r\n\u001a\n"));
        add(
                "file_model_is_checkpoint",
                workspace -> TensorFile.write(workspace.file("model.json"), zip("net/data.pkl")));
        add(
                "file_model_is_onnx",
                workspace -> TensorFile.write(workspace.file("model.json"), text("\b\u0007\u0012\u0007pytorch")));
        add(
                "file_model_is_gzip",
                workspace -> TensorFile.write(workspace.file("model.json"), text("\u001f\u008b\b\u0000")));
        data("safetensors_empty", new byte[0]);
        data("safetensors_too_short", 1, 2);
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
        add("out_is_directory", workspace -> directory(workspace, "--out", "directory.safetensors"));
        add(
                "out_below_a_file",
                workspace -> workspace.option(
                        "--out",
                        workspace.file("model.json").resolve("r.safetensors").toString()));
        add(
                "out_is_csv",
                workspace -> workspace.option("--out", workspace.file("r.csv").toString()));
        add(
                "out_without_extension",
                workspace -> workspace.option("--out", workspace.file("results").toString()));
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

    private static void data(String name, byte[] bytes) {
        add(name, workspace -> workspace.data(bytes));
    }

    private static void data(String name, int... bytes) {
        byte[] content = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            content[i] = (byte) bytes[i];
        }
        data(name, content);
    }

    private static void model(String name, Charset charset) {
        add(name, workspace -> TensorFile.write(workspace.file("model.json"), Workspace.MODEL.getBytes(charset)));
    }

    /** Characters up to 255 as bytes. */
    private static byte[] text(String characters) {
        return characters.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** An archive of one file, as PyTorch and NumPy write them. */
    private static byte[] zip(String entry) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            zip.putNextEntry(new ZipEntry(entry));
            zip.write(1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static byte[] tar() {
        byte[] bytes = new byte[1024];
        System.arraycopy(text("data.safetensors"), 0, bytes, 0, 16);
        System.arraycopy(text("ustar"), 0, bytes, 257, 5);
        return bytes;
    }

    private static void header(String name, String entries, int dataBytes) {
        data(name, bytes("{" + entries + "}", new byte[dataBytes]));
    }

    private static Workspace missing(Workspace workspace, String option) {
        return workspace.option(option, workspace.file("no.such" + option).toString());
    }

    private static void directory(Workspace workspace, String option) {
        directory(workspace, option, "directory");
    }

    private static void directory(Workspace workspace, String option, String name) {
        Path directory = workspace.file(name);
        try {
            Files.createDirectory(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        workspace.option(option, directory.toString());
    }
}
