// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.spi.backend.Availability;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.Properties;
import org.bytedeco.dnnl.dnnl_version_t;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Native libraries that load on this machine. Found out once: a native library that failed to load poisons its
 * classes, and trying again says nothing new.
 *
 * @param availability what the backend's probe answers
 * @param onednn oneDNN's version, if it loads
 * @param onednnProblem why it does not, or nothing
 */
public record NativeLibraries(Availability availability, Optional<String> onednn, String onednnProblem) {

    private static final Logger LOG = LoggerFactory.getLogger(NativeLibraries.class);

    private static final String REMEDY =
            "Put org.nd4j:nd4j-native, org.bytedeco:javacpp and org.bytedeco:openblas on the"
                    + " class path, each also with the classifier of this platform (%s, %s).";

    public static NativeLibraries get() {
        return Holder.LIBRARIES;
    }

    private static NativeLibraries load() {
        WaitingThreads.decide();
        try {
            Loader.load(openblas_nolapack.class);
            Nd4j.getExecutioner();
        } catch (Throwable e) {
            LOG.debug("The CPU backend's libraries do not load.", e);
            var missing = new Availability.Unavailable(
                    "A native library does not load: " + rootMessage(e),
                    REMEDY.formatted(System.getProperty("os.name"), System.getProperty("os.arch")));
            return new NativeLibraries(missing, Optional.empty(), missing.reason());
        }
        Optional<String> onednn = Optional.empty();
        String problem = "";
        try (dnnl_version_t version = dnnl.dnnl_version()) {
            onednn = Optional.of(version.major() + "." + version.minor() + "." + version.patch());
        } catch (Throwable e) {
            LOG.debug("oneDNN does not load.", e);
            problem = rootMessage(e);
        }
        String description = "%s with %d processors; ND4J%s, OpenBLAS%s, %s"
                .formatted(
                        Loader.getPlatform(),
                        Runtime.getRuntime().availableProcessors(),
                        version("org.nd4j/nd4j-api"),
                        version("org.bytedeco/openblas"),
                        onednn.map(version -> "oneDNN " + version + "; kernels onednn")
                                .orElse("no oneDNN; kernels nd4j"));
        return new NativeLibraries(new Availability.Available(description), onednn, problem);
    }

    /**
     * A space and the version that a jar's Maven properties tell; nothing where they are missing, as in a repackaged
     * jar.
     */
    private static String version(String artifact) {
        try (InputStream in = Nd4j.class.getResourceAsStream("/META-INF/maven/" + artifact + "/pom.properties")) {
            var properties = new Properties();
            if (in != null) {
                properties.load(in);
            }
            String version = properties.getProperty("version");
            return version == null ? "" : " " + version;
        } catch (IOException e) {
            LOG.debug("The version of {} cannot be read.", artifact, e);
            return "";
        }
    }

    private static String rootMessage(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        return root.getClass().getSimpleName() + ": " + root.getMessage() + ".";
    }

    private static final class Holder {
        static final NativeLibraries LIBRARIES = load();
    }
}
