// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jcuda.nvrtc.JNvrtc;
import jcuda.nvrtc.nvrtcProgram;
import jcuda.nvrtc.nvrtcResult;

/** NVRTC. Needs no device. */
final class JCudaCompiler {

    private JCudaCompiler() {}

    private static void check(String call, int code) {
        if (code != nvrtcResult.NVRTC_SUCCESS) {
            throw new CudaFailure(call, "%s (%d)".formatted(nvrtcResult.stringFor(code), code));
        }
    }

    /** Its version, such as {@code NVRTC 12.9}. */
    static String version() {
        int[] major = new int[1];
        int[] minor = new int[1];
        check("nvrtcVersion", JNvrtc.nvrtcVersion(major, minor));
        return "NVRTC %d.%d".formatted(major[0], minor[0]);
    }

    /**
     * Machine code for an architecture that NVRTC knows; for a newer one, PTX for the newest that it knows, which the
     * driver translates.
     *
     * @param architecture such as 90
     */
    static byte[] compile(String file, String source, List<String> definitions, int architecture) {
        int known = newestKnown(architecture);
        List<String> options = new ArrayList<>();
        options.add("--gpu-architecture=" + (known == architecture ? "sm_" : "compute_") + known);
        options.add("--std=c++17");
        definitions.forEach(definition -> options.add("--define-macro=" + definition));
        nvrtcProgram program = new nvrtcProgram();
        check("nvrtcCreateProgram", JNvrtc.nvrtcCreateProgram(program, source, file, 0, null, null));
        try {
            int code = JNvrtc.nvrtcCompileProgram(program, options.size(), options.toArray(String[]::new));
            if (code != nvrtcResult.NVRTC_SUCCESS) {
                String[] log = {""};
                JNvrtc.nvrtcGetProgramLog(program, log);
                throw new CudaFailure(
                        "nvrtcCompileProgram of " + file + " " + options,
                        "%s (%d): %s".formatted(nvrtcResult.stringFor(code), code, log[0].strip()));
            }
            return known == architecture ? machineCode(program) : portableCode(program);
        } finally {
            JNvrtc.nvrtcDestroyProgram(program);
        }
    }

    private static int newestKnown(int architecture) {
        int[] count = new int[1];
        check("nvrtcGetNumSupportedArchs", JNvrtc.nvrtcGetNumSupportedArchs(count));
        int[] known = new int[count[0]];
        check("nvrtcGetSupportedArchs", JNvrtc.nvrtcGetSupportedArchs(known));
        return Arrays.stream(known)
                .filter(candidate -> candidate <= architecture)
                .max()
                .orElseThrow(() -> new CudaFailure(
                        "nvrtcGetSupportedArchs",
                        "no code for sm_%d, only for %s".formatted(architecture, Arrays.toString(known))));
    }

    private static byte[] machineCode(nvrtcProgram program) {
        long[] size = new long[1];
        check("nvrtcGetCUBINSize", JNvrtc.nvrtcGetCUBINSize(program, size));
        byte[] code = new byte[Math.toIntExact(size[0])];
        check("nvrtcGetCUBIN", JNvrtc.nvrtcGetCUBIN(program, code));
        return code;
    }

    /** Text that ends with a zero byte, as the driver wants it. */
    private static byte[] portableCode(nvrtcProgram program) {
        String[] text = new String[1];
        check("nvrtcGetPTX", JNvrtc.nvrtcGetPTX(program, text));
        byte[] characters = text[0].getBytes(StandardCharsets.US_ASCII);
        return Arrays.copyOf(characters, characters.length + 1);
    }
}
