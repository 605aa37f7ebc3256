@echo off
rem Runs backpack4j's command line from a source tree, after building it where no build is. Java and options as for the file `backpack`:
rem
rem   JAVA_HOME      the JDK to use (17 or newer); otherwise java on the PATH
rem   BACKPACK_OPTS  more flags for the JVM, for instance "-Xmx8g"
rem   --plugins DIR  adds the jars of DIR (or one jar) to the class path; may be repeated. DIR `plugins` beside this file is always added.
rem
rem Unlike there, sources that changed since do not start a build: mvnw -pl cli -am -DskipTests package does.
setlocal EnableExtensions DisableDelayedExpansion
set "java="
set "root=%~dp0"
if "%root:~-1%"=="\" set "root=%root:~0,-1%"

rem --- Java
if defined JAVA_HOME set "java=%JAVA_HOME%\bin\java.exe"
if not defined JAVA_HOME for %%j in (java.exe) do set "java=%%~$PATH:j"
if not defined java goto no_java
if not exist "%java%" goto no_such_java
set "version="
set "major="
for /f "tokens=3" %%v in ('call "%java%" -version 2^>^&1 ^| findstr /c:" version "') do if not defined version set "version=%%~v"
for /f "tokens=1 delims=.-+" %%m in ("%version%") do set "major=%%m"
if not defined major goto no_version
if %major% LSS 17 goto old_java

rem --- Build, if there is none
if not exist "%root%\cli\target\build.stamp" call :build
if not exist "%root%\cli\target\build.stamp" exit /b 1

rem --- Class path
set "own="
pushd "%root%\cli\target"
for %%f in (backpack4j-cli-*.jar) do call :own "%%~ff"
popd
if not defined own goto no_jar
set "own=%own%;%root%\cli\target\lib\*"
set "classpath=%own%;%root%\plugins\*"
rem What is meant to hold plugins, so that a jar without one can be told.
set "places=%root%\plugins"

rem cmd takes = for a blank between arguments: --plugins=DIR comes as two, too.
:arguments
if "%~1"=="" goto flags
if "%~1"=="--" goto flags
if not "%~1"=="--plugins" goto next
if not exist "%~2" goto no_plugins
set "places=%places%;%~2"
set "attributes=%~a2"
if "%attributes:~0,1%"=="d" set "classpath=%classpath%;%~2\*"
if not "%attributes:~0,1%"=="d" set "classpath=%classpath%;%~2"
shift
:next
shift
goto arguments

rem --- Flags; the file `backpack` says why.
:flags
set "flags=-XX:+UseSerialGC -Xms48m"
set "flags=%flags% -Dorg.bytedeco.javacpp.maxbytes=0 -Dorg.bytedeco.javacpp.maxphysicalbytes=0"
set "flags=%flags% -Dguice_custom_class_loading=CHILD"
set "flags=%flags% -XX:FreqInlineSize=100"
set "flags=%flags% -XX:Tier4InvocationThreshold=25000 -XX:Tier4MinInvocationThreshold=3000 -XX:Tier4CompileThreshold=75000"
set "flags=%flags% -XX:Tier4BackEdgeThreshold=400000"
set "flags=%flags% -Dbackpack.cpu.compiler_nice=10"
if %major% GEQ 24 set "flags=%flags% --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"

rem --- The class archive, one per JDK; the build deletes those of the last one
set "archive=%root%\cli\target\classes-%version%.jsa"
if not exist "%archive%" call :archive
set "shared="
if exist "%archive%" for %%f in ("%archive%") do if %%~zf GTR 0 set shared="-XX:SharedArchiveFile=%archive%" -Xlog:cds*=off

"%java%" %flags% %shared% "-Dbackpack.plugins.path=%places%" %BACKPACK_OPTS% -cp "%classpath%" io.backpack4j.cli.Main %*
exit /b %errorlevel%

rem --- What can be wrong. No blocks in parentheses: names of folders may have some.
:no_java
echo backpack: no java found. Install a JDK, version 17 or newer, and put it on the PATH or set JAVA_HOME.>&2
exit /b 1
:no_such_java
echo backpack: JAVA_HOME is "%JAVA_HOME%", but there is no bin\java.exe in it. It must name a JDK, version 17 or newer.>&2
exit /b 1
:no_version
echo backpack: cannot tell the version of "%java%".>&2
exit /b 1
:old_java
echo backpack: Java 17 or newer is needed, but "%java%" is version %version%. Set JAVA_HOME to a newer one.>&2
exit /b 1
:no_jar
echo backpack: there is no cli\target\backpack4j-cli-*.jar. Delete cli\target\build.stamp to build again.>&2
exit /b 1
:no_plugins
echo backpack: --plugins "%~2": there is no such directory or jar.>&2
exit /b 2

rem --- Subroutines
:build
echo backpack: building (once) ...>&2
if not exist "%root%\cli\target" mkdir "%root%\cli\target"
del /q "%root%\cli\target\*.jar" "%root%\cli\target\classes-*.jsa" "%root%\cli\target\lib\*" >nul 2>&1
pushd "%root%"
call mvnw.cmd -q -B -ntp -pl cli -am -Dmaven.test.skip=true -Dspotless.check.skip -Djacoco.skip package >"%root%\cli\target\build.log" 2>&1
set "built=%errorlevel%"
popd
if "%built%"=="0" exit /b 0
type "%root%\cli\target\build.log" >&2
echo backpack: the build failed; its log is %root%\cli\target\build.log>&2
exit /b 1

:own
set "name=%~n1"
if not "%name:~-8%"=="-sources" if not "%name:~-8%"=="-javadoc" set "own=%~1"
exit /b 0

rem Runs a small evaluation and keeps the classes that it loaded. An empty file says that this JVM cannot.
:archive
set "start=%root%\cli\src\main\start"
"%java%" %flags% "-XX:ArchiveClassesAtExit=%archive%.new" -cp "%own%" io.backpack4j.cli.Main evaluate --model "%start%\model.json" --data "%start%\data.safetensors" --extensions BatchGrad,SumGradSquared,Variance,DiagGGNMC,KFAC --out "%root%\cli\target\start.safetensors" >nul 2>&1
if not errorlevel 1 move /y "%archive%.new" "%archive%" >nul 2>&1
if not exist "%archive%" type nul >"%archive%"
exit /b 0
