// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import picocli.CommandLine.IVersionProvider;

/** The versions of this program and of what it runs on. */
public final class Version implements IVersionProvider {

    @Override
    public String[] getVersion() {
        return new String[] {
            program(), "Java " + System.getProperty("java.version") + " (" + System.getProperty("java.vm.name") + ")"
        };
    }

    public static String program() {
        String version = Version.class.getPackage().getImplementationVersion();
        return "backpack4j " + (version == null ? "development" : version);
    }
}
