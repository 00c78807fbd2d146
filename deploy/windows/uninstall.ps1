# Ends the worker that install.ps1 has set up and removes its service. THIS SCRIPT HAS NEVER BEEN RUN ON WINDOWS.
#
# The worker is asked to take no more containers and to end when its last one has, at the deadline at the latest. State,
# settings and log stay; -Purge removes them too.
#Requires -RunAsAdministrator
[CmdletBinding()]
param(
    [string] $Destination = (Join-Path $env:ProgramFiles 'windlass'),
    [string] $State = (Join-Path $env:ProgramData 'windlass'),
    [string] $ServiceName = 'windlass',
    [string] $Worker = 'tcp://127.0.0.1:5770',
    [ValidateRange(1, 3600)] [int] $DeadlineSeconds = 60,
    [switch] $Purge
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$service = Get-Service $ServiceName -ErrorAction SilentlyContinue
if ($service) {
    $program = Join-Path $Destination 'windlass.exe'
    if ($service.Status -eq 'Running') {
        & $program drain --worker $Worker --stop --deadline "${DeadlineSeconds}s"
        if ($LASTEXITCODE -eq 0) {
            try { $service.WaitForStatus('Stopped', [TimeSpan]::FromSeconds($DeadlineSeconds + 30)) }
            catch [System.ServiceProcess.TimeoutException] { Write-Warning 'it did not end by itself; it is stopped' }
        } else {
            Write-Warning 'the worker did not take the drain; it is stopped, and its containers go on'
        }
    }
    # One that has ended is no error.
    Stop-Service $ServiceName
    & sc.exe delete $ServiceName | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "the service $ServiceName could not be removed" }
}
if (Test-Path $Destination) { Remove-Item -Recurse -Force $Destination }
if ($Purge -and (Test-Path $State)) { Remove-Item -Recurse -Force $State }
Write-Host "the service $ServiceName is gone"
