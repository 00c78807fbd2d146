# Builds windlass on Windows, with libzmq, msgpack-c and SQLite from vcpkg. THIS SCRIPT HAS NEVER BEEN RUN ON WINDOWS.
#
# Needs: Swift 6.2 or later with Visual Studio's C++ tools, git, and a vcpkg checkout (VCPKG_ROOT, or -Vcpkg).
#
#   deploy\windows\build.ps1                       builds .build\release\windlass.exe
#   deploy\windows\build.ps1 -Configuration debug -Test
[CmdletBinding()]
param(
    [string] $Vcpkg = $(if ($env:VCPKG_ROOT) { $env:VCPKG_ROOT } else { $env:VCPKG_INSTALLATION_ROOT }),
    [string] $Triplet = 'x64-windows',
    [ValidateSet('debug', 'release')] [string] $Configuration = 'release',
    [switch] $Test
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Set-Location (Join-Path $PSScriptRoot '..\..')

function Invoke-Checked([string] $Program, [string[]] $Arguments) {
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Program failed with exit code $LASTEXITCODE" }
}

if (-not $Vcpkg) { throw 'there is no vcpkg: set VCPKG_ROOT or give -Vcpkg' }
$program = Join-Path $Vcpkg 'vcpkg.exe'
Invoke-Checked $program @('install', "msgpack-c:$Triplet", "sqlite3:$Triplet")
# Not the release: libzmq 4.3.5, the newest, aborts on Windows where its pair of sockets for waking a thread can't be
# made (zeromq/libzmq#4730). The fix is zeromq/libzmq#4734, commit 1f4dd54f, and so far only on the main branch.
Invoke-Checked $program @('install', "zeromq[sodium]:$Triplet", '--head')

# The module maps name the libraries as Unix does; vcpkg's names carry versions.
$installed = Join-Path $Vcpkg "installed\$Triplet"
$libraries = Join-Path (Get-Location) '.build\windows\lib'
New-Item -ItemType Directory -Force $libraries | Out-Null
foreach ($pair in @(@('libzmq*.lib', 'zmq.lib'), @('msgpack*.lib', 'msgpackc.lib'), @('sqlite3.lib', 'sqlite3.lib'))) {
    $found = @(Get-ChildItem (Join-Path $installed 'lib') -Filter $pair[0])
    if ($found.Count -ne 1) { throw "expected one $($pair[0]) in $installed\lib, found $($found.Count)" }
    Copy-Item $found[0].FullName (Join-Path $libraries $pair[1]) -Force
}

$flags = @('-c', $Configuration, '-Xcc', "-I$installed\include", '-Xswiftc', "-L$libraries")
# The libraries' own DLLs must be found when the program runs.
$env:PATH = "$installed\bin;$env:PATH"
Invoke-Checked 'swift' (@('build', '--product', 'windlass') + $flags)
Copy-Item "$installed\bin\*.dll" ".build\$Configuration\" -Force
if ($Test) { Invoke-Checked 'swift' (@('test') + $flags) }
Write-Host "built .build\$Configuration\windlass.exe"
